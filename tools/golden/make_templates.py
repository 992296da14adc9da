"""Makes tests/golden/templates/*.json: chat templates, what goes into them, and what transformers renders from them.

A developer's tool: neither the build nor the tests run it, they read the files that it wrote. To make them anew:

    python3 -m venv venv && venv/bin/pip install transformers==5.24.0 jinja2==3.1.6 numpy
    venv/bin/python tools/golden/make_templates.py

constructs.json takes the language piece by piece. formats.json holds templates written for this project that produce the
formats of published ones (ChatML, Llama 2, Llama 3, Mistral, Gemma, Zephyr, with tools and with reasoning), each over
several conversations. The strings of a conversation's lists and dicts are what hone calls user text.
"""

import datetime
import json
import pathlib

from transformers.utils import chat_template_utils

NOW = 1_700_000_000  # 2023-11-14 22:13:20 UTC

# One template a line; they see VARIABLES.
CONSTRUCTS = {
    "literals": [
        "{{ 1 }} {{ 1.5 }} {{ 1e3 }} {{ 1_000 }} {{ 'a' }} {{ \"b\" }} {{ true }} {{ None }} {{ none }} {{ False }}",
        "{{ [1, 'a', none, true, 2.0] }} {{ (1,) }} {{ (1, 2) }} {{ () }} {{ {} }} {{ {'a': 1, 'b': [2]} }} {{ 1, 2 }}",
        "{{ 'a\\nb\\t\\'\\\\ \\x41 \\u00e9 \\q' }}", "{{ 'a' 'b' }}", "{{ ['it\\'s', \"q\\\"\", 'both\\'\"', '\\n\\x00é\\xa0'] }}",
        "{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 100.0 }} {{ 1/3 }} {{ 2.5e-7 }} {{ 123456789.125 }}",
    ],
    "arithmetic": [
        "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}",
        "{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ - 3 }} {{ +3 }} {{ 1 - -1 }}",
        "{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 3 * 'x' }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }} {{ true + true }}",
        "{{ 1 ~ 2 ~ 'a' ~ none ~ 1.5 ~ missing }}", "{{ '%s is %d%%' % ('a', 5) }} {{ '%s' % 'x' }}",
        "{{ 1 + 'a' }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ missing + 1 }}", "{{ 'a' - 'b' }}", "{{ none + 1 }}", "{{ 1 + 1.0 }}",
    ],
    "comparison": [
        "{{ 1 == 1.0 }} {{ 1 != 2 }} {{ 'a' < 'b' }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ [1, 2] < [1, 3] }} {{ 1 == '1' }} {{ true == 1 }}",
        "{{ 'a' in 'cat' }} {{ 'x' not in 'cat' }} {{ 1 in [1, 2] }} {{ 'k' in {'k': 1} }} {{ 1 in missing }} {{ none == none }}",
        "{{ {'a': 1} == {'a': 1.0} }} {{ (1, 2) == [1, 2] }} {{ not 1 == 2 }} {{ not not 1 }} {{ missing == missing2 }}",
        "{{ 1 < 'a' }}", "{{ 1 in 5 }}", "{{ 1 in 'a' }}", "{{ missing < 1 }}", "{{ none < 1 }}", "{{ 3 >= 3 }} {{ 3 <= 2 }} {{ 'b' > 'a' }}",
    ],
    "logic": [
        "{{ 0 or 'x' }} {{ 1 and 'y' }} {{ '' and 1 }}| {{ not '' }} {{ missing or 'd' }} {{ [] or {} or none or 0 }}",
        "{{ 'a' if true else 'b' }} {{ 'a' if false else 'b' }} [{{ 'a' if false }}] {{ 1 if 0 else 2 if 0 else 3 }}",
        "{{ ('a' if false) is defined }}", "{{ 1 if missing is defined and missing.x else 2 }}",
    ],
    "undefined": [
        "[{{ missing }}] {{ missing is defined }} {{ missing is undefined }} {{ missing|default('d') }} {{ missing|length }} {% for x in missing %}x{% endfor %}",
        "{{ missing.a }}", "{{ missing['a'] }}", "{{ missing() }}", "{{ missing[0] }}", "{{ missing[1:] }}", "{{ user.nope }}|{{ user.nope is defined }}",
        "{{ user.nope.deeper }}", "{{ 'text'.nope is defined }}", "{{ items[99] is defined }}", "{{ missing|upper }}|{{ missing|trim }}|",
        "{{ missing|tojson }}", "{{ [missing] }}", "{{ missing|join(',') }}|{{ missing|list }}|{{ missing|first is defined }}",
        "{{ none.x is defined }}",
    ],
    "access": [
        "{{ user.name }} {{ user['name'] }} {{ items[0] }} {{ items[-1] }} {{ items.0 }} {{ user.tags[1] }} {{ 'héllo'[1] }} {{ 'abc'[-1] }}",
        "{{ shadow['items'] }} {{ shadow.items() | list }} {{ shadow['keys'] }}", "{{ user.get('name') }} {{ user.get('x') }} {{ user.get('x', 'd') }}",
        "{{ user.keys() | list }} {{ user.values() | list | length }} {% for k, v in user.items() %}{{ k }}={{ v }};{% endfor %}",
        "{{ user.items() }}", "{{ {'a': 1}.keys() }} {{ {'a': 1}.values() }}", "{{ {1: 'one', none: 'n'}[1] }} {{ {1: 'a'}[none] is defined }}",
        "{{ ''.__class__ is defined }}", "{{ ''.__class__ }}", "{{ user.pop('name') }}", "{{ items.append(1) }}", "{{ user.update({}) }}",
        "{{ items.index(20) }} {{ items.count(10) }}", "{{ items.index(99) }}", "{{ user | attr('name') is defined }}",
    ],
    "slices": [
        "{{ items[1:] }} {{ items[:2] }} {{ items[:-1] }} {{ items[::-1] }} {{ items[::2] }} {{ items[-2:] }} {{ items[5:] }} {{ items[2:1] }}",
        "{{ 'héllo wörld'[1:5] }} {{ 'abc'[::-1] }} {{ 'abc'[:-1] }} {{ 'abcdef'[1:5:2] }} {{ 'abc'[10:] }}| {{ (1, 2, 3)[1:] }}",
        "{{ items[none:2] }} {{ items[4:0:-2] }} {{ items[-100:100] }} {{ 'abc'[-1:] }}", "{{ items[::0] }}", "{{ user[1:] }}", "{{ items['a':] }}",
    ],
    "whitespace": [
        "a\n{% if true %}\n  b\n{% endif %}\nc\n", "  {% if true %}  x  {% endif %}  \n", "a   {%- if true -%}   b   {%- endif -%}   c",
        "  {%+ if true %}x{% endif +%}\n y", "a {#- c -#} b", "a\n  {# c #}\nb", "a{# c\n #}\n\nb", "{{ 'x' }}\n{{ 'y' -}}\n\n z", "x\n\n {{- 'y' }}",
        "{% raw %}{{ x }}{% x %}{% endraw %}\n.", "{%- raw -%}  a {% raw %} {%- endraw -%}  b", "a\r\nb\rc{% if true %}\r\nd{% endif %}",
        "\t {%- for i in [1, 2] %}\n\t{{ i }}\n\t{%- endfor %}\n", "{% set x = 1 %}\n\n{{ x }}\n\n", "  {% set x = 1 %} {% set y = 2 %}\n  z",
        "a {{ 'b' }} \n  {% if true %}\n c {% endif %}\n", "{%if true%}a{%endif%}", "{{'a'}}{{-'b'-}} c", "line {% if true %}x{% endif %}\nnext", "\n\n",
        "{% for i in range(3) -%}\n  {{ i }}\n{% endfor -%}\n end", "}} %} #} { % {", "{{ '}}' }} {{ '%}' }} {{ {'a': {'b': 1}}['a']['b'] }}",
    ],
    "for": [
        "{% for i in items %}{{ i }},{% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %}", "{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }} {% endfor %}",
        "{% for i in items %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
        "{% for i in items %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}", "{% for i in items if i > 10 %}{{ loop.index }}:{{ i }} {% endfor %}",
        "{% for i in items %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 15) }} {% endfor %}", "{% for i in items %}{% if i == 20 %}{% continue %}{% endif %}{% if i == 30 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "{% for k in user %}{{ k }} {% endfor %}", "{% for c in 'aé' %}[{{ c }}]{% endfor %}", "{% for i in range(3) %}{% for j in range(i) %}{{ loop.index }}{{ loop.depth }}{% endfor %}|{% endfor %}",
        "{% for i in range(2) %}{% set outer = loop %}{% for j in range(2) %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
        "{{ range(5) | list }} {{ range(1, 4) | list }} {{ range(5, 0, -2) | list }} {{ range(3)[1] }} {{ range(3) | length }}",
        "{% for i in 5 %}{% endfor %}", "{% for a, b in [[1]] %}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for i in items %}{{ loop.nextitem is defined }} {% endfor %}",
        "{% for i in [1] %}{% endfor %}{{ i is defined }}{{ loop is defined }}", "{% for (a, (b, c)) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
        "{% for x in [1, 2], [3] %}{{ x }}{% endfor %}", "{% for i in items if loop is defined %}{{ i }}{% endfor %}",
    ],
    "scope": [
        "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}", "{% set ns = namespace(x=0) %}{% for i in items %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
        "{% if true %}{% set y = 5 %}{% endif %}{{ y }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set x %}a {{ 1 }} b{% endset %}[{{ x }}]", "{% set x | upper | trim %} abc {% endset %}[{{ x }}]",
        "{% set user.name = 1 %}", "{% set nope.x = 1 %}", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}", "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
        "{% filter upper %}abc {{ 'd' }}{% endfilter %}", "{% set x = 1 if false else 2 %}{{ x }}", "{% set x = 'a' ~ 'b' %}{{ x }}", "{% set t = 1, 2 %}{{ t }}",
        "{% if 0 %}a{% elif 1 %}b{% elif 1 %}c{% else %}d{% endif %}", "{% if missing %}a{% else %}b{% endif %}", "{% set ns = namespace() %}{% set ns.a = [1] %}{% set ns.a = ns.a + [2] %}{{ ns.a }}",
    ],
    "macros": [
        "{% macro m(a, b='x', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 2) }} {{ m(1, c=3) }} {{ m(a=1, b=2, c=3) }}",
        "{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=1) }}",
        "{% macro f(n) %}{{ n }}{% if n > 0 %} {{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% set g = 'out' %}{% macro m() %}{{ g }}{% set g = 'in' %}{{ g }}{% endmacro %}{{ m() }}{{ g }}",
        "{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}body{% endcall %}", "{% macro w() %}{% for i in [1, 2] %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) w() %}[{{ x }}]{% endcall %}",
        "{% macro m() %}  a  {% endmacro %}{{ m() | trim }}{{ m() | length }}", "{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
        "{% macro m(x, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}", "{% macro m() %}{{ x is defined }}{% endmacro %}{% for x in [1] %}{{ m() }}{% endfor %}",
    ],
    "string methods": [
        "[{{ '  a b '.strip() }}] [{{ ' a '.lstrip() }}] [{{ ' a '.rstrip() }}] {{ 'xxaxx'.strip('x') }} {{ 'abcba'.lstrip('ab') }} [{{ '\u3000é\u00a0'.strip() }}]",
        "{{ 'a b  c'.split() }} {{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a'.split('b') }} {{ ' a  b c '.split(none, 1) }}",
        "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('') }}", "{{ 'abc'.upper() }} {{ 'ÀÉß'.lower() }} {{ 'aé'.upper() }} {{ 'привет мир'.title() }} {{ 'ab cd'.title() }} {{ 'aBC'.capitalize() }}",
        "{{ 'aXbXc'.replace('X', '-') }} {{ 'aXbXc'.replace('X', '-', 1) }} {{ 'ab'.replace('', '.') }} {{ 'aaa'.replace('aa', 'b') }}", "{{ ','.join(['a', 'b']) }} {{ ''.join('abc') }}", "{{ ','.join([1]) }}",
        "{{ 'abcabc'.find('c') }} {{ 'abc'.find('x') }} {{ 'abcabc'.rfind('c') }} {{ 'banana'.count('an') }} {{ 'héé'.find('é') }} {{ 'abc'.find('') }}", "{{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab1'.islower() }} {{ ''.isdigit() }}",
        "{{ 'a\\nb\\r\\nc'.splitlines() }} {{ 'a\\n'.splitlines() }}", "{{ 'pre-x'.removeprefix('pre-') }} {{ 'x.py'.removesuffix('.py') }} {{ 'x'.removeprefix('y') }}", "{{ '{} {}'.format(1, 'a') }} {{ '{0}{1}{0}'.format('a', 'b') }} {{ '{x}'.format(x=1) }} {{ '{{}}'.format() }}",
        "{{ 'a'.split('') }}", "{{ 'a'.nosuch() }}", "{{ 'a'.strip(1) }}",
    ],
    "filters": [
        "[{{ '  a ' | trim }}] [{{ 'xax' | trim('x') }}] {{ 'aB' | upper }} {{ 'aB' | lower }} {{ 'hello wORLD-x (y' | title }} {{ 'hELLO w' | capitalize }} {{ 5 | string + 'a' }}",
        "{{ items | length }} {{ 'héé' | length }} {{ user | count }} {{ items | first }} {{ items | last }} {{ [] | first is defined }} {{ 'abc' | last }} {{ user | first }}",
        "{{ items | join(', ') }} {{ items | join }} {{ people | join(',', attribute='name') }} {{ 'abc' | join('-') }}", "{{ missing | default('a') }} {{ '' | default('b') }}| {{ '' | default('b', true) }} {{ none | default('c') }} {{ 0 | d('z', boolean=true) }}",
        "{{ '42' | int }} {{ '3.7' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ 3.9 | int }} {{ ' 5 ' | int }} {{ 'ff' | int(base=16) }} {{ none | int }} {{ '1.5' | float }} {{ 'x' | float }} {{ 2 | float }} {{ -3 | abs }}",
        "{{ 2.567 | round(2) }} {{ 2.5 | round }} {{ 2.1 | round(method='ceil') }} {{ 2.9 | round(0, 'floor') }} {{ 7 | round }}", "{{ 'abc' | list }} {{ user | list }} {{ (1, 2) | list }}", "{{ 'a b a' | replace('a', 'c') }} {{ 'aaa' | replace('a', 'b', 2) }}",
        "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent(2, blank=true) }}|{{ 'a\\nb' | indent('> ') }}", "{{ 'abc' | reverse }} {{ items | reverse | list }} {{ [1, 1, 2, 'a', 'A'] | unique | list }} {{ ['b', 'A', 'c'] | sort }} {{ [3, 1, 2] | sort(reverse=true) }} {{ ['b', 'A'] | sort(case_sensitive=true) }}",
        "{{ people | map(attribute='name') | list }} {{ ['a', 'b'] | map('upper') | join }} {{ people | map(attribute='nope', default='-') | list }} {{ people | map(attribute='address.city') | list }}",
        "{{ people | selectattr('age') | map(attribute='name') | list }} {{ people | selectattr('age', 'gt', 30) | map(attribute='name') | list }} {{ people | rejectattr('age', 'equalto', 30) | list | length }} {{ people | selectattr('name', 'in', ['Ann']) | list | length }}",
        "{{ [1, 0, 2] | select | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ [1, 'a'] | select('string') | list }}", "{{ {'b': 1, 'a': 2} | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value') }} {{ {'b': 1} | items | list }} {{ user | items | list | length }}",
        "{{ people | sort(attribute='age') | map(attribute='name') | list }} {{ items | sum }} {{ people | sum(attribute='age') }} {{ items | min }} {{ items | max }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 0) | list }}",
        "{{ '<a & \"b\">' | escape }} {{ '<' | e }} {{ '<' | safe }}", "{{ 'a' | nosuch }}", "{{ 5 | length }}", "{{ [1, 'a'] | sort }}", "{{ 5 | list }}", "{{ items | map('nosuch') | list }}", "{{ [] | max is defined }}",
        "{% if items | selectattr('x') %}always{% endif %}", "{{ items | map('string') | length }}", "{{ -5 | abs }} {{ 'a' ~ 'b' | upper }} {{ 1 + 2 | string | length }}", "{{ '%s-%s' | format(1, 'b') }}",
    ],
    "tojson": [
        "{{ user | tojson }}", "{{ user | tojson(indent=2) }}", "{{ [] | tojson(indent=2) }} {{ {} | tojson(indent=2) }} {{ [[], [1]] | tojson(indent=1) }}", "{{ 'é<>&\\'\"\\n\\t\\\\/\\x01\\u2028😀' | tojson }}", "{{ 'é😀' | tojson(ensure_ascii=true) }}",
        "{{ {'b': 1, 'a': [1.0, true, none, 1e20]} | tojson(sort_keys=true) }}", "{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}", "{{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }}", "{{ (1, 2) | tojson }}", "{{ range | tojson }}", "{{ user.items() | tojson }}",
    ],
    "tests": [
        "{{ 1 is number }} {{ true is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is integer }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ 'a' is sequence }} {{ {} is sequence }} {{ 5 is iterable }} {{ none is none }} {{ missing is none }}",
        "{{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }} {{ true is boolean }} {{ 3 is odd }} {{ 3 is even }} {{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ 1 is eq 1 }} {{ 1 is equalto 2 }} {{ 1 is ne 2 }} {{ 2 is gt 1 }} {{ 2 is lt(1) }} {{ 1 is in [1] }} {{ 1 is sameas 1 }}",
        "{{ 1 is not string }} {{ not 1 is string }} {{ missing is not defined }} {{ user.name is defined and user.name == 'Ann' }} {{ 'a' is upper }} {{ 'a' is lower }} {{ range is callable }} {{ 1 is callable }} {{ user.get is callable }}",
        "{{ 1 is nosuch }}", "{{ (1 + 1) is number }}", "{{ x is divisibleby }}", "{{ items is sequence and items is not mapping }} {{ items is not string and items is not none }}",
    ],
    "functions": [
        "{{ raise_exception('no: ' ~ user.name) }}", "{{ strftime_now('%Y-%m-%d %H:%M:%S %b %B %d %a %A %j %y %I %p %%') }}", "{{ dict(a=1, b=2) }} {{ dict({'a': 1}, a=2) }}", "{% set x = raise_exception %}{{ x is callable }}", "{{ 'a' if false else raise_exception('e') }}",
        "{% generation %}said{% endgeneration %} not {% generation %}{{ user.name }}{% endgeneration %}", "{{ namespace(a=1).a }}", "{{ range(10) | length }}", "{{ undefined_function('x') }}", "{{ range('a') }}",
    ],
    "syntax errors": [
        "{{ a", "{% if a %}", "{% endif %}", "{{ }}", "{{ 1 + }}", "{% for x %}{% endfor %}", "{% if true %}{% endfor %}", "{{ 'a }}", "{# a", "{% raw %}a", "{% nosuch %}", "{{ (1 }}", "{{ 1) }}", "{{ a b }}", "{% set = 1 %}", "{% macro %}{% endmacro %}", "{{ a.'b' }}", "{% else %}", "{% break %}", "{{ a | }}",
        "{{ a is }}", "{{ [1, 2 }}", "{{ {1} }}", "{{ @ }}", "{% %}", "{% for true in [1] %}{% endfor %}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ m(a=1, 2) }}", "{{ 1 is number is string }}", "{% if %}x{% endif %}",
    ],
}

VARIABLES = {
    "items": [10, 20, 30],
    "user": {"name": "Ann", "age": 30, "tags": ["x", "y"], "note": "é \"q\" <b>"},
    "shadow": {"items": "I", "keys": "K"},
    "people": [
        {"name": "Ann", "age": 30, "address": {"city": "Oslo"}},
        {"name": "Bo", "age": 41, "address": {"city": "Rome"}},
        {"name": "Cy", "age": 0, "address": {"city": "Lima"}},
    ],
}

SYSTEM = {"role": "system", "content": "Be brief."}
TURNS = [
    {"role": "user", "content": "  What is 2+2? "},
    {"role": "assistant", "content": "It is 4.\n"},
    {"role": "user", "content": "And <|im_end|> in ünïcode 😀?"},
    {"role": "assistant", "content": "<think>hm\nwell</think>\n\nStill 4."},
]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a \"city\"",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "items": {"type": "array"}}, "required": ["city"]},
    },
}
CALLS = [
    {"role": "user", "content": "Rain in Oslo?"},
    {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "id": "abc123def", "function": {"name": "weather", "arguments": {"city": "Oslo", "n": 1.5}}}]},
    {"role": "tool", "name": "weather", "tool_call_id": "abc123def", "content": "{\"rain\": true}"},
    {"role": "tool", "name": "weather", "tool_call_id": "abc123def", "content": "second"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": [{"type": "text", "text": "part one"}, {"type": "text", "text": " two"}]},
]
CONVERSATIONS = {
    "one": TURNS[:1], "two": TURNS[:2], "four": TURNS, "system": [SYSTEM] + TURNS, "bad order": [TURNS[1]] + TURNS, "empty": [], "tools": [SYSTEM] + CALLS, "tools, no system": CALLS[:5],
}

FORMATS = {
    # <|im_start|>role\ncontent<|im_end|>\n with a standing system prompt.
    "chatml": """{%- set default_system = 'You are a helpful assistant.' -%}
{%- if messages and messages[0].role != 'system' %}
{{- '<|im_start|>system\\n' ~ default_system ~ '<|im_end|>\\n' }}
{%- endif %}
{%- for turn in messages %}
{{- '<|im_start|>' ~ turn.role ~ '\\n' }}
{%- if turn.role == 'assistant' %}
{%- generation %}{{ turn.content ~ '<|im_end|>' }}{% endgeneration %}
{%- else %}
{{- turn.content ~ '<|im_end|>' }}
{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    # ChatML with tool signatures in XML tags, calls and replies, and reasoning dropped from earlier turns.
    "chatml-tools": """{%- macro text_of(content) %}
    {%- if content is string %}
        {{- content }}
    {%- else %}
        {%- for part in content if part.type == 'text' %}{{ part.text }}{% endfor %}
    {%- endif %}
{%- endmacro %}
{%- set state = namespace(last_query=-1) %}
{%- for turn in messages[::-1] %}
    {%- if turn.role == 'user' and state.last_query < 0 %}
        {%- set state.last_query = messages | length - loop.index %}
    {%- endif %}
{%- endfor %}
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages and messages[0].role == 'system' %}
        {{- text_of(messages[0].content) + '\\n\\n' }}
    {%- endif %}
    {{- '# Tools\\n\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '\\n</tools><|im_end|>\\n' }}
{%- elif messages and messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- endif %}
{%- for turn in messages %}
    {%- if turn.role == 'user' or (turn.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + turn.role + '\\n' + text_of(turn.content) + '<|im_end|>\\n' }}
    {%- elif turn.role == 'assistant' %}
        {%- set said = text_of(turn.content) %}
        {%- if '</think>' in said and loop.index0 < state.last_query %}
            {%- set said = said.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>assistant\\n' + said }}
        {%- for call in turn.tool_calls or [] %}
            {%- if not loop.first or said %}{{ '\\n' }}{% endif %}
            {%- set call = call.function if call.function is defined else call %}
            {{- '<tool_call>\\n{"name": "' ~ call.name ~ '", "arguments": ' ~ (call.arguments if call.arguments is string else call.arguments | tojson) ~ '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif turn.role == 'tool' %}
        {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}
        {{- '\\n<tool_response>\\n' ~ text_of(turn.content) ~ '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{ '<|im_end|>\\n' }}{% endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}
{%- endif %}
""",
    # <s>[INST] <<SYS>>…<</SYS>> question [/INST] answer </s>, roles in strict alternation.
    "llama-2": """{% if messages and messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set turns = messages %}{% set system = false %}{% endif %}
{% for turn in turns %}
{% if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate user/assistant') }}{% endif %}
{% if turn['role'] == 'user' %}
{% set asked = '<<SYS>>\\n' ~ system.strip() ~ '\\n<</SYS>>\\n\\n' ~ turn['content'] if loop.first and system else turn['content'] %}
{{ bos_token ~ '[INST] ' ~ asked.strip() ~ ' [/INST]' }}{% elif turn['role'] == 'assistant' %}
{% generation %}{{ ' ' ~ turn['content'].strip() ~ ' ' ~ eos_token }}{% endgeneration %}
{% else %}{{ raise_exception('unknown role ' ~ turn['role']) }}{% endif %}
{% endfor %}""",
    # <|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>, dates and tools in the system turn.
    "llama-3": """{{- bos_token }}
{%- if not date is defined %}{% set date = strftime_now('%d %b %Y') %}{% endif %}
{%- set system = '' %}
{%- set turns = messages %}
{%- if messages and messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set turns = messages[1:] %}
{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{%- if tools is not none %}{{ 'Environment: tools\\n' }}{% endif %}
{{- 'Today: ' + date + '\\n\\n' }}
{%- if tools is not none %}
    {%- for tool in tools %}
        {{- tool | tojson(indent=4) }}
        {{- '\\n\\n' }}
    {%- endfor %}
{%- endif %}
{{- system }}
{{- '<|eot_id|>' }}
{%- for turn in turns %}
    {%- if 'tool_calls' in turn %}
        {%- if not turn.tool_calls | length == 1 %}{{ raise_exception('one call at a time') }}{% endif %}
        {%- set call = turn.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- call.arguments | tojson }}
        {{- '}<|eot_id|>' }}
    {%- elif turn.role == 'tool' or turn.role == 'ipython' %}
        {{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' }}
        {%- if turn.content is mapping or (turn.content is iterable and turn.content is not string) %}
            {{- turn.content | tojson }}
        {%- else %}
            {{- turn.content }}
        {%- endif %}
        {{- '<|eot_id|>' }}
    {%- elif turn.content is string %}
        {{- '<|start_header_id|>' + turn['role'] + '<|end_header_id|>\\n\\n' + turn['content'] | trim + '<|eot_id|>' }}
    {%- else %}
        {{- '<|start_header_id|>' + turn['role'] + '<|end_header_id|>\\n\\n' + turn['content'] | map(attribute='text') | join | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    # <s>[INST] question[/INST] answer</s>; tools stand before the last question.
    "mistral": """{%- if messages | length > 0 and messages[0].role == 'system' %}
    {%- set system = messages[0].content %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set turns = messages %}
{%- endif %}
{%- set asks = turns | selectattr('role', 'equalto', 'user') | list %}
{%- set ns = namespace(index=0) %}
{%- for turn in turns %}
    {%- if not (turn.role == 'tool' or (turn.tool_calls is defined and turn.tool_calls is not none)) %}
        {%- if (turn.role == 'user') != (ns.index % 2 == 0) %}{{ raise_exception('conversation roles must alternate') }}{% endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for turn in turns %}
    {%- if turn.role == 'user' %}
        {%- if tools and turn == asks[-1] %}
            {{- '[AVAILABLE_TOOLS] [' }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, value in tool.items() if key != 'return' %}
                    {%- if value is string %}
                        {{- '"' + key + '": "' + value + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + value | tojson }}
                    {%- endif %}
                    {%- if not loop.last %}{{ ', ' }}{% endif %}
                {%- endfor %}
                {{- '}}' }}
                {%- if not loop.last %}{{ ', ' }}{% else %}{{ ']' }}{% endif %}
            {%- endfor %}
            {{- '[/AVAILABLE_TOOLS]' }}
        {%- endif %}
        {%- if loop.last and system is defined %}
            {{- '[INST] ' ~ system ~ '\\n\\n' ~ turn.content ~ '[/INST]' }}
        {%- else %}
            {{- '[INST] ' ~ turn.content ~ '[/INST]' }}
        {%- endif %}
    {%- elif turn.tool_calls is defined and turn.tool_calls is not none %}
        {{- '[TOOL_CALLS] [' }}
        {%- for call in turn.tool_calls %}
            {%- set out = call.function | tojson %}
            {{- out[:-1] }}
            {%- if not call.id is defined or call.id | length != 9 %}{{ raise_exception('call ids have 9 characters') }}{% endif %}
            {{- ', "id": "' + call.id + '"}' }}
            {%- if not loop.last %}{{ ', ' }}{% else %}{{ ']' + eos_token }}{% endif %}
        {%- endfor %}
    {%- elif turn.role == 'assistant' %}
        {{- ' ' + turn.content | trim + eos_token }}
    {%- elif turn.role == 'tool' %}
        {%- set content = turn.content.content if turn.content.content is defined else turn.content %}
        {{- '[TOOL_RESULTS] {"content": ' + content | string + '}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception('only user, assistant and tool turns are known') }}
    {%- endif %}
{%- endfor %}
""",
    # <start_of_turn>model\n…; the assistant is called "model", a system turn joins the first question.
    "gemma": """{{ bos_token }}{% if messages and messages[0]['role'] == 'system' %}{% set prefix = messages[0]['content'] + '\\n\\n' %}{% set turns = messages[1:] %}{% else %}{% set prefix = '' %}{% set turns = messages %}{% endif %}{% for turn in turns %}{% if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% set role = 'model' if turn['role'] == 'assistant' else turn['role'] %}{{ '<start_of_turn>' + role + '\\n' + (prefix if loop.first else '') }}{% if turn['content'] is string %}{{ turn['content'] | trim }}{% elif turn['content'] is iterable %}{% for item in turn['content'] %}{% if item['type'] == 'text' %}{{ item['text'] | trim }}{% endif %}{% endfor %}{% endif %}{{ '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}""",
    # <|user|>\ncontent</s>\n, written with line ends of the template itself.
    "zephyr": """{% for turn in messages %}
{% if turn['role'] == 'user' %}
{{ '<|user|>\\n' + (turn['content'] if turn['content'] is string else turn['content'][0]['text']) + eos_token }}
{% elif turn['role'] == 'system' %}
{{ '<|system|>\\n' + turn['content'] + eos_token }}
{% elif turn['role'] == 'assistant' %}
{{ '<|assistant|>\\n' + turn['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
}


def render(template, variables):
    """The output and the spans of {% generation %} (in characters), or what went wrong."""
    fixed = lambda text: datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(text)
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        output, spans = chat_template_utils._render_with_assistant_indices(compiled, variables.pop("messages", []), variables.pop("tools", None), variables.pop("documents", None), variables.pop("add_generation_prompt", False), strftime_now=fixed, **variables)
    except Exception as error:  # any failure is a result here
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    return {"output": output, "generation": [list(span) for span in spans]}


def constructs():
    for group, templates in CONSTRUCTS.items():
        for index, template in enumerate(templates):
            yield {"name": f"{group} {index + 1}", "template": template, **render(template, dict(VARIABLES))}


def conversations():
    for name, messages in CONVERSATIONS.items():
        for prompt in (False, True):
            variables = {"messages": messages, "tools": [TOOL] if name.startswith("tools") else None, "documents": None, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>"}
            yield f"{name}{', prompted' if prompt else ''}", variables


def main():
    folder = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    write = lambda name, value: (folder / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    write("constructs.json", {"now": NOW, "variables": VARIABLES, "cases": list(constructs())})
    cases = []
    for name, template in FORMATS.items():
        runs = [{"name": which, "variables": variables, **render(template, dict(variables))} for which, variables in conversations()]
        cases.append({"name": name, "template": template, "runs": runs})
    write("formats.json", {"now": NOW, "formats": cases})


if __name__ == "__main__":
    main()
