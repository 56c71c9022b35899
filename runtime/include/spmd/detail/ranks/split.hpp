#pragma once

#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/rank_context.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <typeinfo>
#include <utility>
#include <vector>

namespace spmd::detail {

/// A member's place in a communicator made by split; empty for a rank of no colour.
class membership {
public:
    membership() = default;
    membership(communicator& in, std::size_t id) noexcept : in_(&in), id_(id) {}
    communicator* in() const noexcept { return in_; }
    std::size_t id() const noexcept { return id_; }

private:
    communicator* in_ = nullptr;
    std::size_t id_ = 0;
};

struct split_contribution : no_contribution {
    split_contribution(std::optional<std::size_t> c, std::int64_t k) noexcept : color(c), key(k) {}
    std::optional<std::size_t> color;
    std::int64_t key;
};

/// Makes a communicator for each colour, its members ordered by key, then by id.
class split_collective final : public values_collective<split_contribution> {
public:
    static constexpr const char* name = "split";
    static constexpr const std::type_info* type = nullptr;
    static constexpr bool has_root = false;
    using contribution = split_contribution;
    using result = membership;

    explicit split_collective(communicator& peers);
    ~split_collective() override;
    void give(std::size_t id, contribution& given) { store(id, contribution(given)); }
    /// Passes the member's counted reference on to the caller.
    result take(std::size_t id, contribution&) noexcept { return std::exchange(places_[id], {}); }

private:
    void finish() override;
    void clear() noexcept override;

    std::vector<membership> places_;
};

/// Converts a membership to `Result`: a rank, or an optional of one.
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
