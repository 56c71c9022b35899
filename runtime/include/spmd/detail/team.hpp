#pragma once

#include <spmd/detail/item_tally.hpp>
#include <spmd/detail/job.hpp>

#include <cstddef>
#include <utility>

namespace spmd::detail {

class communicator;

/// What the ranks of one group have in common.
struct team {
    std::size_t size = 0;
    const std::size_t* engines = nullptr; ///< of each id; null: id and engine are the same
    const attention* attention_of_ranks = nullptr;
    item_tally* reported_items = nullptr;
    communicator* meets = nullptr; ///< where its ranks meet; null for tasks that are no coroutines
    bool shared = false;           ///< lives as long as somebody refers to it: what split made
};

[[noreturn]] void throw_no_coroutine(std::size_t id);
/// Where a rank meets others. Throws: std::logic_error when its task is no coroutine.
inline communicator& require_communicator(const team& of, std::size_t id) {
    if (of.meets == nullptr) [[unlikely]]
        throw_no_coroutine(id);
    return *of.meets;
}
/// The id. Throws: std::invalid_argument unless it is that of a member.
std::size_t require_member(const team& of, std::size_t id);

void acquire(const team& shared) noexcept;
void release(const team& shared) noexcept;

/// Refers to a team, and shares it if it is shared.
class team_reference {
public:
    explicit team_reference(const team& of) noexcept : team_(&of) {
        if (of.shared) acquire(of);
    }
    team_reference(const team_reference& other) noexcept : team_reference(*other.team_) {}
    team_reference(team_reference&& other) noexcept : team_reference(*other.team_) {}
    team_reference& operator=(team_reference other) noexcept {
        std::swap(team_, other.team_);
        return *this;
    }
    ~team_reference() {
        if (team_->shared) release(*team_);
    }
    /// Takes over a reference that was counted before.
    static team_reference adopt(const team& counted) noexcept {
        team_reference made(counted);
        release(counted);
        return made;
    }

    const team& operator*() const noexcept { return *team_; }
    const team* operator->() const noexcept { return team_; }

private:
    const team* team_;
};

} // namespace spmd::detail
