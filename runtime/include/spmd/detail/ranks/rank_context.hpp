#pragma once

#include <spmd/detail/base/item_tally.hpp>
#include <spmd/detail/launch/job.hpp>

#include <cstddef>
#include <utility>

namespace spmd::detail {

class communicator;

/// State shared by the ranks of one group.
struct rank_context {
    std::size_t size = 0;
    const std::size_t* engines = nullptr; ///< by id; null: id and engine are the same
    const run_flags* flags = nullptr;
    item_tally* reported_items = nullptr;
    communicator* peers = nullptr; ///< null for plain tasks, which cannot meet
    bool shared = false;           ///< reference-counted: a group made by split
};

[[noreturn]] void throw_no_coroutine(std::size_t id);
/// Returns the communicator. Throws: std::logic_error if the rank's task is plain.
inline communicator& require_communicator(const rank_context& context, std::size_t id) {
    if (context.peers == nullptr) [[unlikely]]
        throw_no_coroutine(id);
    return *context.peers;
}
/// Returns the id. Throws: std::invalid_argument unless a member has it.
std::size_t require_member(const rank_context& context, std::size_t id);
/// Throws: std::invalid_argument for the root, which has to pass what the others receive.
void require_not_root(std::size_t id, std::size_t root);

void acquire(const rank_context& shared) noexcept;
void release(const rank_context& shared) noexcept;

/// Reference to a context, counted if the context is shared.
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
    /// Adopts a reference that is counted already.
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
