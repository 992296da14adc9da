// The learning curves of several runs on common axes.
#pragma once

#include "hone/report/compare/comparison.h"
#include "hone/report/series_chart.h"

#include <string>
#include <vector>

namespace hone::report {

/// One logged metric of every arm that has it: seeds thin, their mean thick.
struct CurveFigure {
  std::string metric;
  std::string scope;      ///< "" if several runs have it, else the letter of the only one
  SeriesChart by_step;    ///< phases of an arm one after the other
  SeriesChart by_tokens;  ///< the same over sampled tokens; lacks the arms that don't log them
};

/// Curves to look at first: those that several runs have, rewards and losses before the rest; bookkeeping (learning
/// rate, norms) is left out. At most six figures; up to six arms, the improved ones if there are more.
struct LearningCurves {
  std::vector<CurveFigure> figures;
  std::vector<std::string> left_out;  ///< names of metrics that are logged but not drawn
  bool improved_only = false;
};
LearningCurves learning_curves(const Comparison& comparison);

/// A metric of one arm in one seed, its phases (those called like the arm, or "<arm>.…") put one after the other.
/// x counts steps from 0, or tokens sampled up to the end of the step: what lies between logged steps is taken to be
/// like the logged one after it. Empty if the arm doesn't log the metric, or, by tokens, no "sampled_tokens".
enum class Axis { steps, tokens };
Line arm_curve(const RunFolder& seed, const std::vector<std::string>& phases, const std::string& metric, Axis axis);

/// The phases of `arm` among those of `seed`: a phase belongs to the longest of `arms` that begins it.
std::vector<std::string> phases_of_arm(const RunFolder& seed, const std::vector<std::string>& arms,
                                       const std::string& arm);

}  // namespace hone::report
