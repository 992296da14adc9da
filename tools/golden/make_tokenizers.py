"""Makes tests/golden/tokenizers: small tokenizers of every kind, and what the `tokenizers` package does with hard text.

A developer's tool: neither the build nor the tests run it, they read the files that it wrote. To make them anew:

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3 sentencepiece==0.2.3
    venv/bin/python tools/golden/make_tokenizers.py

Every tokenizer is trained on text that this file makes, with the normalizer, pre-tokenizer, post-processor and decoder of
the model it is named after. Beside each <name>.json stands <name>.golden.json: for every text of corpus.json the ids
(special tokens as tokens; without and with the template) and the decoded text. <name>.model are SentencePiece's files.
"""

import io
import json
import pathlib
import random
import struct

import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "tokenizers"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

WORDS = ("the of and to in is that it was for on are as with they be at one have this from or had by hot but some what "
         "there we can out other were all your when up use word how said an each she which do their time if will way "
         "about many then them would write like so these her long make thing see him two has look more day could go "
         "come did my sound no most number who over know water than call first people may down side been now find "
         "don't I'm we've you'll it's he'd they're return def class import print self None True False for while").split()
KOREAN = "안녕하세요 세계 한국어 문장 토큰 나는 학교에 갑니다 오늘 날씨가 좋습니다 그리고 우리는 함께 공부합니다".split()
CHINESE = "你好世界 今天天气很好 我们在学习 语言模型 机器 中文 分词 这是一个测试 北京".split()
RUSSIAN = "привет мир это просто текст для проверки модели языка".split()
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇰🇷", "❤️"]
CODE = ["def f(x):\n    return x + 1\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n", "if x == None: print('no')\n"]


def corpus():
    """Sentences for training; the same on every run."""
    rng = random.Random(7)
    lines = []
    for _ in range(3000):
        words = [rng.choice(WORDS) for _ in range(rng.randint(4, 14))]
        words[0] = words[0].capitalize()
        if rng.random() < 0.3:
            words.insert(rng.randrange(len(words)), str(rng.randrange(100000)))
        lines.append(" ".join(words) + rng.choice([".", "!", "?", ",", "..."]))
        extra = rng.random()
        if extra < 0.15:
            lines.append(" ".join(rng.choice(KOREAN) for _ in range(6)))
        elif extra < 0.3:
            lines.append("".join(rng.choice(CHINESE) for _ in range(5)) + "。")
        elif extra < 0.38:
            lines.append(" ".join(rng.choice(RUSSIAN) for _ in range(6)))
        elif extra < 0.43:
            lines.append(rng.choice(EMOJI) + " " + rng.choice(WORDS))
        elif extra < 0.5:
            lines.append(rng.choice(CODE))
    return lines


def hard_texts():
    """Name → text. Invalid UTF-8 is not here: the package takes str; see invalid_bytes()."""
    rng = random.Random(11)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return {
        "empty": "",
        "space": " ",
        "plain": "Hello world, how are you doing today?",
        "contractions": "I'm sure they're here; we've it'll DON'T It'S he'd 'tis y'all's O'Re 'ſ",
        "korean": "안녕하세요, 세계! 나는 오늘 학교에 갑니다. ㄱㄴㄷ ㅏㅑ",
        "jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af 한글 \u1100\u1161",
        "chinese": "你好，世界！今天天气很好。我们在学习语言模型𠀀𪚥",
        "japanese": "カタカナ ひらがな 漢字 ﾊﾝｶｸ ー々〆",
        "arabic": "مرحبا بالعالم ١٢٣ ﷺ",
        "hebrew": "שָׁלוֹם עולם",
        "hindi": "नमस्ते दुनिया क्षत्रिय ४५६",
        "thai": "สวัสดีชาวโลก น้ำ",
        "russian": "Привет, мир! ЁЖ ёж",
        "emoji": "😀😃 👍🏽 ❤️ 🇰🇷🇫🇷 1️⃣ ☺",
        "zwj": "👩‍👩‍👧‍👦 🏳️‍🌈 👨🏽‍💻‍ \u200d a\u200db",
        "combining": "e\u0301 a\u0308\u0301 Z\u0351\u036b\u0343 n\u0303o \u0301x q\u0323\u0307 q\u0307\u0323",
        "compat": "ﬁ ﬂ ① ２３ Å Å ㎏ ℃ ½ Ⅷ ﹏ ﾞ ｱﾞ ㌀",
        "case": "İstanbul ISTANBUL ΣΑΣ Straße ẞ ǅ Ǆ ﬀ DŽ",
        "accents": "naïve café résumé Ångström Łódź crème brûlée",
        "spaces": "  two  spaces   three    four     five ",
        "mixed_spaces": "\t tab\t\ttabs \n newline\n\n\nlines\r\n crlf \r cr \u00a0nbsp\u3000ideo\u2003em\u2028ls\u2029ps\u0085nel",
        "trailing": "word   \n  \n ",
        "newlines": "\n\n\n\na\n \n\tb",
        "numbers": "0 1 12 123 1234 12345 1,234,567.89 3.14e-10 0x1F ½ ² Ⅻ ٣ 2024-11-25",
        "code": "def f(x, *args, **kw):\n    '''doc'''\n    if x >= 10 and not y != z:\n\t\treturn {\"a\": [1, 2], 'b': x**2}  # ok\n",
        "cpp": "template <class T>\nvoid f(T&& t) { std::cout << t->x[0] % 7 << '\\n'; } // !=\n",
        "punctuation": "!?.,;:-_()[]{}<>/\\|@#$%^&*~`\"'“”‘’«»—–…·•§¶†‡°±×÷",
        "controls": "a\x00b\x01c\x1fd\x7fe\x80f\x9fg\u200bh\ufeffi\u00adj\ufffdk\u200fl",
        "private": "\ue000 \U000f0000 \uffff \U0001ffff \u0378",
        "quotes": "``quoted'' \"double\" 'single' ''",
        "url": "https://example.com/a?b=c&d=%20#frag user@example.org",
        "specials": "<s>hi</s><unk> [CLS] a [SEP] [MASK] <|endoftext|> <|im_end|>x<pad>",
        "specials_spaced": "a  <mask>  b<mask>c  </s> d",
        "added": "the newword and newwords, NEWWORD newword. xnewword",
        "metaspace": "▁a▁▁b ▁ c▁",
        "byte_tokens": "<0x41> <0xE4><0xBD> <0x0A>",
        "wordpiece": "##ing playing un##aff ## #",
        "unk": "\u2603\u2604 x \u2603 \U0001d49c\U0001d4b7",
        "repeat": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "long_word": "".join(rng.choice(letters) for _ in range(10000)),
        "long_same": "the" * 3400,
        "long_korean": "".join(rng.choice("".join(KOREAN)) for _ in range(1200)),
        "long_digits": "".join(rng.choice("0123456789") for _ in range(2000)),
        "long_spaces": "a" + " " * 600 + "b" + "\n" * 100 + "c" + "\t \n" * 50,
        "paragraph": " ".join(corpus()[100:140]),
    }


def invalid_bytes():
    """Name → bytes that are not UTF-8; the package sees them decoded with errors="replace"."""
    return {
        "lone": b"a\xffb\xfe\x80c",
        "truncated": "안녕 세계 😀".encode()[:-2],
        "overlong": b"x\xc0\x80y\xe0\x9f\xbfz\xf0\x8f\xbf\xbf",
        "surrogate": b"p\xed\xa0\x80q\xed\xbf\xbf",
        "too_large": b"\xf4\x90\x80\x80 \xf5\x80",
        "latin1": "naïve café".encode("latin-1"),
    }


def charsmap():
    """The character map of a SentencePiece model trained with NFKC and case folding (as T5 and XLNet carry one)."""
    return train_spm("unigram", normalization_rule_name="nmt_nfkc", vocab_size=400)[1]


def train_spm(kind, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type=kind, num_threads=1, minloglevel=2,
        hard_vocab_limit=False, **options)
    proto = model.getvalue()
    return proto, precompiled(proto)


def fields(message):
    """(number, value) of the fields of a protobuf message; bytes for length-delimited ones."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(message):
        tag = varint()
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            yield number, varint()
        elif wire == 2:
            size = varint()
            yield number, message[at:at + size]
            at += size
        else:
            size = {1: 8, 5: 4}[wire]
            yield number, message[at:at + size]
            at += size


def precompiled(proto):
    normalizer = next(value for number, value in fields(proto) if number == 3)
    return next(value for number, value in fields(normalizer) if number == 2)


def pieces(proto):
    """(text, score, type) of every piece."""
    out = []
    for number, value in fields(proto):
        if number != 1:
            continue
        piece = dict(fields(value))
        out.append((piece[1].decode(), struct.unpack("<f", piece[2])[0], piece.get(3, 1)))
    return out


def byte_bpe(pattern, specials, vocab_size, **model_options):
    tokenizer = Tokenizer(models.BPE(**model_options))
    if pattern is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=specials, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def gpt2():
    tokenizer = byte_bpe(None, ["<|endoftext|>"], 1000)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def roberta():
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = byte_bpe(None, specials, 800)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("newword", single_word=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def llama3():
    tokenizer = byte_bpe(LLAMA3, [], 1200, ignore_merges=True)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", begin)])])
    return tokenizer


def qwen2():
    tokenizer = byte_bpe(QWEN2, [], 1000)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("newword", normalized=True), "  "])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def o200k():
    return byte_bpe(O200K, ["<|endoftext|>"], 900)


def spm_bpe(legacy):
    """Llama-2 and Mistral: the vocabulary of a SentencePiece BPE model, its merges, byte fallback."""
    proto, _ = train_spm("bpe", vocab_size=900, byte_fallback=True, normalization_rule_name="identity",
                         remove_extra_whitespaces=False, split_digits=True, character_coverage=0.98)
    vocab = [piece for piece, _, _ in pieces(proto)]
    ids = {piece: i for i, piece in enumerate(vocab)}
    merges = []
    for i, (piece, score, kind) in enumerate(pieces(proto)):
        if kind == 1:
            merges += [(-score, ids[piece[:at]], ids[piece[at:]], piece[:at], piece[at:]) for at in range(1, len(piece))
                       if piece[:at] in ids and piece[at:] in ids]
    merges.sort(key=lambda merge: merge[:3])
    tokenizer = Tokenizer(models.BPE(ids, [merge[3:] for merge in merges], unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=True))
    if legacy:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ["<unk>", "<s>", "</s>"]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer, proto


def bert(lowercase):
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(
        vocab_size=900, special_tokens=specials, show_progress=False))
    tokenizer.decoder = decoders.WordPiece()
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    if lowercase:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    else:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    return tokenizer


def unigram(vocab, unk, steps, byte_fallback=False):
    tokenizer = Tokenizer(models.Unigram(vocab, unk, byte_fallback))
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer


def t5():
    proto, charsmap = train_spm("unigram", vocab_size=700, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    vocab = [(piece, score) for piece, score, _ in pieces(proto)]
    extra = [f"<extra_id_{i}>" for i in reversed(range(3))]
    tokenizer = unigram(vocab + [(piece, 0.0) for piece in extra], 2, [normalizers.Precompiled(charsmap)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"] + extra)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer, proto


def xlnet():
    proto, charsmap = train_spm("unigram", vocab_size=600, unk_id=0, bos_id=1, eos_id=2,
                                control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"])
    vocab = [(piece, score) for piece, score, _ in pieces(proto)]
    steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
             normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")]
    tokenizer = unigram(vocab, 0, steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>",
                                  AddedToken("<mask>", lstrip=True, normalized=False)])
    sep, cls = tokenizer.token_to_id("<sep>"), tokenizer.token_to_id("<cls>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A:0 <sep>:0 <cls>:2", pair="$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2",
        special_tokens=[("<sep>", sep), ("<cls>", cls)])
    return tokenizer


def unigram_bytes():
    """Unigram with byte fallback and no split at all (Gemma-like)."""
    proto, _ = train_spm("unigram", vocab_size=800, byte_fallback=True, normalization_rule_name="identity",
                         remove_extra_whitespaces=False)
    vocab = [(piece, score) for piece, score, _ in pieces(proto)]
    tokenizer = unigram(vocab, 0, [normalizers.Replace(" ", "▁")], byte_fallback=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def word_level():
    """Every pre-tokenizer that no other tokenizer here has, on whole words."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(),
                                                 normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(False),
        pre_tokenizers.Split("e", "merged_with_next"), pre_tokenizers.Split(Regex("[aou]+"), "merged_with_previous"),
        pre_tokenizers.CharDelimiterSplit("q")])
    tokenizer.train_from_iterator(corpus(), trainers.WordLevelTrainer(
        vocab_size=600, special_tokens=["[UNK]"], show_progress=False))
    return tokenizer


def suffix_bpe():
    """GPT's first tokenizer: </w> at the end of words, unknown symbols."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=60, show_progress=False))
    return tokenizer


def result(tokenizer, name, text):
    """Ids and texts of one case; a text equal to the input is left out."""
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    around = tokenizer.encode(text).ids
    case = {"name": name, "ids": plain}
    decoded = tokenizer.decode(plain, skip_special_tokens=False)
    if decoded != text:
        case["decoded"] = decoded
    if around != plain:
        case["with_template"] = around
    skipped = tokenizer.decode(around, skip_special_tokens=True)
    if skipped != decoded:
        case["skipped"] = skipped
    return case


def save_json(name, value):
    (OUT / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def write(name, tokenizer, proto=None):
    tokenizer.save(str(OUT / f"{name}.json"), pretty=False)
    tokenizer = Tokenizer.from_file(str(OUT / f"{name}.json"))
    cases = [result(tokenizer, key, text) for key, text in hard_texts().items()]
    cases += [result(tokenizer, key, raw.decode("utf-8", errors="replace")) for key, raw in invalid_bytes().items()]
    pair = tokenizer.encode("Hello world", "how are you?")
    save_json(f"{name}.golden.json", {"cases": cases, "pair": {"ids": pair.ids, "type_ids": pair.type_ids}})
    if proto is not None:
        write_sentencepiece(name, proto)


def write_sentencepiece(name, proto):
    (OUT / f"{name}.model").write_bytes(proto)
    library = sentencepiece.SentencePieceProcessor(model_proto=proto)
    cases = []
    for key, text in hard_texts().items():
        ids = library.encode(text)
        cases.append({"name": key, "ids": ids, "decoded": library.decode(ids)})
    save_json(f"{name}.model.golden.json", {"cases": cases})


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    save_json("corpus.json", {"texts": hard_texts(), "bytes": {key: raw.hex() for key, raw in invalid_bytes().items()}})
    write("gpt2", gpt2())
    write("roberta", roberta())
    write("llama3", llama3())
    write("qwen2", qwen2())
    write("o200k", o200k())
    write("llama2-legacy", *spm_bpe(legacy=True))
    write("mistral", spm_bpe(legacy=False)[0])
    write("bert-uncased", bert(lowercase=True))
    write("bert-cased", bert(lowercase=False))
    write("t5", *t5())
    write("xlnet", xlnet())
    write("unigram-bytes", unigram_bytes())
    write("word-level", word_level())
    write("suffix-bpe", suffix_bpe())


if __name__ == "__main__":
    main()
