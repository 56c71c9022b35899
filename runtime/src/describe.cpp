#include <spmd/detail/describe.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace spmd::detail {
namespace {

/// How many ranges of indices a message names.
constexpr std::size_t most_ranges_named = 4;

} // namespace

std::string text_of(const std::source_location& where) {
    std::string text = where.file_name();
    text.erase(0, text.rfind('/') + 1);
    text += ':';
    text += std::to_string(where.line());
    return text;
}

std::string name_of(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    return status == 0 ? name.get() : type.name();
}

void index_ranges::add(std::size_t index) {
    ++size_;
    if (!ranges_.empty() && ranges_.back().end == index)
        ++ranges_.back().end;
    else
        ranges_.push_back({index, index + 1});
}

std::string index_ranges::text(const std::string& singular) const {
    std::string text = singular + (size_ == 1 ? " " : "s ");
    std::size_t told = 0;
    for (std::size_t i = 0; i < std::min(ranges_.size(), most_ranges_named); ++i) {
        const index_range range = ranges_[i];
        if (i > 0) text += ", ";
        text += std::to_string(range.begin);
        if (range.size() > 1) text += range.size() == 2 ? ", " : " to ";
        if (range.size() > 1) text += std::to_string(range.end - 1);
        told += range.size();
    }
    if (told < size_) {
        text += " and ";
        text += std::to_string(size_ - told);
        text += " more";
    }
    return text;
}

} // namespace spmd::detail
