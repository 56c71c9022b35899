#pragma once

#include <spmd/detail/ranks/rank_context.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/pending.hpp>

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
        return Result(std::in_place, context_reference::adopt(*place.in()), place.id());
    } else {
        return Result(context_reference::adopt(*place.in()), place.id());
    }
}

/// A split that was begun.
template <class Result>
class pending_split final : public pending_operation<Result> {
public:
    pending_split(communicator& of, std::size_t id, const split_contribution& given,
                  const std::source_location& where)
        : split_(of, id, given, where) {}

    bool is_ready() override { return split_.is_ready(); }
    bool wait(std::coroutine_handle<> rank) override { return split_.wait(rank); }
    Result finish() override { return from_membership<Result>(split_.finish()); }

private:
    pending_collective<split_collective> split_;
};

} // namespace spmd::detail
