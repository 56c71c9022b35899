#pragma once

#include <cstddef>
#include <limits>
#include <optional>

namespace spmd {

/// Senders that a receive accepts: the rank with an id, from which it converts, or any. Not a number itself,
/// so that a wrong id, such as `me.id() - 1` on rank 0, is an error and not any rank.
class source {
public:
    /// Any rank.
    constexpr source() noexcept = default;
    // NOLINTNEXTLINE(google-explicit-constructor): an id is a source
    constexpr source(std::size_t rank) noexcept : rank_(rank) {}

    /// Nullopt for any rank.
    constexpr std::optional<std::size_t> rank() const noexcept { return rank_; }
    friend constexpr bool operator==(const source&, const source&) = default;

private:
    std::optional<std::size_t> rank_;
};

/// Source that matches messages from every rank. (MPI_ANY_SOURCE)
inline constexpr source any_source{};
/// Tag that matches every tag; not a tag to send with. (MPI_ANY_TAG)
inline constexpr int any_tag = std::numeric_limits<int>::min();
/// A missing neighbour: nothing is sent to it, and send_receive() returns an empty optional from it.
/// (MPI_PROC_NULL)
///
///     const auto left = me.id() > 0 ? me.id() - 1 : spmd::no_rank;
inline constexpr std::optional<std::size_t> no_rank = std::nullopt;

/// Sender and tag of a message. (MPI_Status)
struct message_origin {
    std::size_t from = 0;
    int tag = 0;
    friend bool operator==(const message_origin&, const message_origin&) = default;
};

/// Result of receive_message: a value, its sender and its tag.
template <class T>
struct message {
    T value;
    std::size_t from = 0;
    int tag = 0;
};

} // namespace spmd
