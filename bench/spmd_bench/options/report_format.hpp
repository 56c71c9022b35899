#pragma once

#include "spmd_bench/options/names.hpp"

#include <array>

namespace spmd_bench {

enum class report_format { table, markdown, html, csv, json };

template <>
inline constexpr std::array names<report_format>{
    named{"table", report_format::table}, named{"markdown", report_format::markdown},
    named{"html", report_format::html}, named{"csv", report_format::csv}, named{"json", report_format::json}};

} // namespace spmd_bench
