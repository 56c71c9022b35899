#pragma once

#include <spmd/detail/ranks/match_key.hpp>
#include <spmd/detail/ranks/waiting_line.hpp>

#include <cstddef>
#include <source_location>
#include <typeinfo>
#include <utility>

namespace spmd::detail {

/// A message on its way from one rank to another, of any type.
class envelope : public waiting_line_place<envelope> {
public:
    envelope(const envelope&) = delete;
    envelope& operator=(const envelope&) = delete;
    virtual ~envelope() = default;

    static constexpr bool has_wildcards = false;
    match_key key() const noexcept { return {from_, tag_}; }
    std::size_t from() const noexcept { return from_; }
    int tag() const noexcept { return tag_; }
    const std::type_info& type() const noexcept { return *type_; }
    const std::source_location& where() const noexcept { return where_; }

protected:
    envelope(std::size_t from, int tag, const std::type_info& type,
             const std::source_location& where) noexcept
        : from_(from), tag_(tag), type_(&type), where_(where) {}

private:
    std::size_t from_;
    int tag_;
    const std::type_info* type_;
    std::source_location where_;
};

/// An envelope with its content.
template <class T>
class letter final : public envelope {
public:
    letter(std::size_t from, int tag, T content, const std::source_location& where)
        : envelope(from, tag, typeid(T), where), content_(std::move(content)) {}
    T take() { return std::move(content_); }

private:
    T content_;
};

} // namespace spmd::detail
