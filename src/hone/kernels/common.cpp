#include "hone/kernels/common.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"

#include <string>

namespace hone::kernels {

Mode named_mode(std::string_view name) {
  if (name.empty() || name == "fused") return Mode::fused;
  const std::string known[] = {"fused", "reference"};
  require(name == "reference", ErrorKind::usage, "HONE_KERNELS: \"{}\" is neither \"fused\" nor \"reference\"{}", name,
          base::suggestion(name, known));
  return Mode::reference;
}

}  // namespace hone::kernels
