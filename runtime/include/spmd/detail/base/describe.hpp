#pragma once

#include <spmd/partition.hpp>

#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace spmd::detail {

/// "solver.cpp:41", without the folder.
std::string text_of(const std::source_location& where);
/// "std::vector<double>", as one would write it.
std::string name_of(const std::type_info& type);
/// A type as the compiler spells it out, without the template arguments that are so by default.
std::string readable_type(std::string_view demangled);

/// Some indices, for a message that names the first few.
class index_ranges {
public:
    /// Requires: indices ascend.
    void add(std::size_t index);
    std::size_t size() const noexcept { return size_; }
    /// Of ranks: "rank 3", "ranks 0, 1, 4 to 9 and 46 more".
    std::string text(const std::string& singular) const;

private:
    std::size_t size_ = 0;
    std::vector<index_range> ranges_;
};

} // namespace spmd::detail
