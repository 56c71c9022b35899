#pragma once

#include <spmd/detail/base/item_tally.hpp>
#include <spmd/detail/launch/job.hpp>

#include <cstddef>
#include <utility>

namespace spmd::detail {

class communicator;

/// What the ranks of one group have in common.
struct rank_context {
    std::size_t size = 0;
    const std::size_t* engines = nullptr; ///< of each id; null: id and engine are the same
    const run_flags* flags = nullptr;
    item_tally* reported_items = nullptr;
    communicator* meets = nullptr; ///< where its ranks meet; null for tasks that are no coroutines
    bool shared = false;           ///< lives as long as somebody refers to it: what split made
};

[[noreturn]] void throw_no_coroutine(std::size_t id);
/// Where a rank meets others. Throws: std::logic_error when its task is no coroutine.
inline communicator& require_communicator(const rank_context& context, std::size_t id) {
    if (context.meets == nullptr) [[unlikely]]
        throw_no_coroutine(id);
    return *context.meets;
}
/// The id. Throws: std::invalid_argument unless it is that of a member.
std::size_t require_member(const rank_context& context, std::size_t id);

void acquire(const rank_context& shared) noexcept;
void release(const rank_context& shared) noexcept;

/// Refers to a context, and shares it if it is shared.
class context_reference {
public:
    explicit context_reference(const rank_context& context) noexcept : context_(&context) {
        if (context.shared) acquire(context);
    }
    context_reference(const context_reference& other) noexcept : context_reference(*other.context_) {}
    context_reference(context_reference&& other) noexcept : context_reference(*other.context_) {}
    context_reference& operator=(context_reference other) noexcept {
        std::swap(context_, other.context_);
        return *this;
    }
    ~context_reference() {
        if (context_->shared) release(*context_);
    }
    /// Takes over a reference that was counted before.
    static context_reference adopt(const rank_context& counted) noexcept {
        context_reference adopted(counted);
        release(counted);
        return adopted;
    }

    const rank_context& operator*() const noexcept { return *context_; }
    const rank_context* operator->() const noexcept { return context_; }

private:
    const rank_context* context_;
};

} // namespace spmd::detail
