#pragma once

#include <spmd/detail/ranks/value_collectives.hpp>

#include <cstddef>
#include <numeric>
#include <ranges>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Values for other members: each with its receiver, or, delivered, with its sender.
template <class T>
using addressed_values = std::vector<std::pair<std::size_t, T>>;

/// A collective of addressed values: the last arrival sorts references to them by receiver, and each receiver
/// moves its own out.
template <class T>
class exchange_collective final : public values_collective<addressed_values<T>> {
public:
    static constexpr const char* name = "exchange";
    static constexpr bool has_root = false;
    using contribution = value_contribution<addressed_values<T>>;
    using result = addressed_values<T>;

    explicit exchange_collective(communicator& peers) : values_collective<addressed_values<T>>(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, std::move(given.value)); }
    result take(std::size_t id, contribution&) {
        result mine;
        mine.reserve(begins_[id + 1] - begins_[id]);
        for (std::size_t i = begins_[id]; i < begins_[id + 1]; ++i)
            mine.emplace_back(sorted_[i].sender, std::move(*sorted_[i].value));
        return mine;
    }

private:
    struct delivery {
        std::size_t sender = 0;
        T* value = nullptr;
    };

    /// Counting sort by receiver; stable, so that each part is ordered by sender.
    void finish() override {
        begins_.assign(this->size() + 1, 0);
        for (std::size_t id = 0; id < this->size(); ++id)
            for (const auto& each : this->value(id)) ++begins_[each.first];
        // Ends, which become beginnings as each receiver's part is filled from its end.
        std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
        sorted_.resize(begins_.back());
        for (std::size_t id = this->size(); id-- > 0;)
            for (auto& [receiver, value] : this->value(id) | std::views::reverse)
                sorted_[--begins_[receiver]] = {id, &value};
    }
    void clear() noexcept override {
        values_collective<addressed_values<T>>::clear();
        sorted_.clear();
    }

    std::vector<std::size_t> begins_; // of each receiver's part of sorted_; the last is its end
    std::vector<delivery> sorted_;
};

} // namespace spmd::detail
