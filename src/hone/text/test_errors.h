// For tests: the error a call throws.
#pragma once

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace hone::text {

/// "data: <message>" of the hone::Error that `call` throws; a test failure and "" when it throws none.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(name_of(error.kind())) + ": " + error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

inline testing::AssertionResult says(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << message << "\" lacks \"" << part << '"';
}

}  // namespace hone::text
