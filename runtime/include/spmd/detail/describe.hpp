#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <typeinfo>

namespace spmd::detail {

/// "solver.cpp:41", without the folder.
std::string text_of(const std::source_location& where);
/// "std::vector<double>", as one would write it.
std::string name_of(const std::type_info& type);
/// A type as the compiler spells it out, without the template arguments that are so by default.
std::string readable_type(std::string_view demangled);

} // namespace spmd::detail
