// How a comparison is put into words.
#pragma once

#include "hone/report/compare/comparison.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hone::report {

/// Whether a metric is better when it is higher (+1) or lower (−1), by its name; 0 if neither (a length).
int direction_of(std::string_view metric);

/// The metric that decides who leads: the second attempt's accuracy if it is shared, else the first one with a
/// direction that every run's improved arm has, else the first that two of them have.
std::optional<std::size_t> deciding_metric(const Comparison& comparison);

/// Who leads by how much, and whether that is certain: "B score leads: Acc@t2 72.4 %, +3.1 pts [+0.5, +5.7] over A …".
/// Certain means that the 95 % interval of the difference lies on one side of 0 and both runs have 3 seeds or more.
std::string headline_of(const Comparison& comparison);

/// "B score": an arm as charts and tables call it.
std::string short_name(const Comparison& comparison, const ComparedArm& arm);

/// "pts" for shares, else the unit itself.
std::string difference_unit(std::string_view unit);
/// "+3.1 pts [+0.5, +5.7]"; "" for NaN.
std::string difference_text(const Interval& difference, std::string_view unit);

}  // namespace hone::report
