// The sections of the page. Each takes what the run left and says what is missing; all text from files is escaped.
#pragma once

#include "hone/base/json.h"
#include "hone/report/run_folder.h"

#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// What a page is made of; `summary` is summary_of(folder).
struct PageSource {
  const RunFolder& folder;
  const Json& summary;
};

/// <section id><h2>title</h2>body</section>.
std::string section_html(std::string_view id, std::string_view title, std::string_view body);
/// A paragraph for a part that isn't there; `text` is escaped.
std::string missing_html(std::string_view text);
/// A table that sorts by a click on its header. Header and cells are HTML; `kind` is its class in the style sheet.
std::string table_html(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                       std::string_view kind);

std::string method_section(const PageSource& page);
std::string results_section(const PageSource& page);  ///< tiles, table, dots with intervals
std::string flow_section(const PageSource& page);     ///< "" unless the metrics of two attempts are there
std::string claims_section(const PageSource& page);
std::string curves_section(const PageSource& page);
std::string searches_section(const PageSource& page);  ///< "" unless the summary has searches; in search_tree.cpp
std::string transcripts_section(const PageSource& page);
std::string options_section(const PageSource& page);
std::string cost_section(const PageSource& page);
std::string environment_section(const PageSource& page);
std::string reproduce_section(const PageSource& page);

/// Curves that a recipe draws to be looked at together: metrics called "<figure>/<line>", one chart a figure and phase.
/// "" if there are none.
std::string figures_section(const PageSource& page);

/// pass@k of the base and the improved arm over k, from the metrics that are means of outcomes "pass<k>"; "" for fewer
/// than two k. The axis is 0 to 100 %, so that figures of several runs can be laid side by side.
std::string pass_figure(const Json& summary, std::string_view caption);

/// A whole page: head with the policy that forbids any fetch and any other script, style sheet, `main`, `data` for
/// programs, script. `title` is escaped, `main` is HTML.
std::string whole_page(std::string_view title, const std::string& main, const Json& data);

/// The page's style sheet and its script (sorting, reading values off curves, opening details for print).
std::string_view page_style();
std::string_view page_script();

}  // namespace hone::report
