#pragma once

#include <source_location>
#include <string>
#include <typeinfo>

namespace spmd::detail {

/// "solver.cpp:41", without the folder.
std::string text_of(const std::source_location& where);
/// "std::vector<double>", as the compiler would say it.
std::string name_of(const std::type_info& type);

} // namespace spmd::detail
