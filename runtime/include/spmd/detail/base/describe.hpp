#pragma once

#include <spmd/index_range.hpp>

#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace spmd::detail {

/// File name without its folder, and line: "solver.cpp:41".
std::string text_of(const std::source_location& where);
/// The type as one would write it: "std::vector<double>".
std::string name_of(const std::type_info& type);
/// Shortens a demangled name, by its default template arguments among others.
std::string readable_type(std::string_view demangled);

/// The complaint about an index that is out of range: "rank 3 is not below 2".
std::string not_below(std::string_view name, std::size_t index, std::size_t count);

/// A set of indices that a message lists, abridged.
class index_ranges {
public:
    /// Requires: indices ascend.
    void add(std::size_t index);
    std::size_t size() const noexcept { return size_; }
    /// The first few ranges: for "rank", "rank 3" or "ranks 0, 1, 4 to 9 and 46 more".
    std::string text(const std::string& singular) const;

private:
    std::size_t size_ = 0;
    std::vector<index_range> ranges_;
};

} // namespace spmd::detail
