#pragma once

#include <spmd/detail/ranks/rank_context.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>

#include <coroutine>
#include <cstddef>
#include <source_location>
#include <utility>

namespace spmd::detail {

/// `Result`: a rank, or an optional of one.
template <class Result>
Result from_membership(const membership& place) {
    if constexpr (requires { typename Result::value_type; }) {
        if (place.in() == nullptr) return {};
        return typename Result::value_type(context_reference::adopt(*place.in()), place.id());
    } else {
        return Result(context_reference::adopt(*place.in()), place.id());
    }
}

} // namespace spmd::detail
