#pragma once

#include <spmd/detail/base/tree_reduce.hpp>
#include <spmd/detail/ranks/wait_record.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <typeinfo>
#include <vector>

namespace spmd::detail {

class collective;
class communicator;
class wait_gate;

/// A collective operation on certain types. All members must request the same one.
struct collective_kind {
    const char* name;
    const std::type_info* type;      ///< of each contribution; null if it is empty
    const std::type_info* operation; ///< that combines the contributions; null if none does
    bool has_root;
    std::unique_ptr<collective> (*make)(communicator& peers);
};

/// A member's request for a collective; those of all members must be equal.
struct request {
    const collective_kind* kind = nullptr;
    std::size_t root = 0;  ///< 0 if the collective has none
    std::size_t count = 0; ///< of elements, if all members must contribute as many; else 0

    bool operator==(const request&) const = default;
};

/// One use of a collective operation by the members of a communicator: each arrives once with a contribution,
/// and takes a result when all have arrived. The n-th collective that a member calls is the n-th of the
/// communicator.
///
/// Life: open (made by the first to arrive) → complete (all have arrived; the results are available) →
/// retired (all have taken theirs), and then open again under another number. A collective that fails is
/// never complete.
///
/// Arrivals are counted per leaf of 1,024 members, and each leaf is folded by the thread that counts its last
/// arrival, while the contributions are still in its cache. So no counter is shared by all ranks, and the ids
/// alone decide which values are combined with which.
class collective {
public:
    static constexpr std::size_t leaf_size = reduce_leaf;

    collective(const collective&) = delete;
    collective& operator=(const collective&) = delete;
    virtual ~collective() = default;

    std::uint32_t number() const noexcept { return number_; }
    const request& requested() const noexcept { return requested_; }
    communicator& peers() const noexcept { return *peers_; }
    std::size_t size() const noexcept { return size_; }

    /// Prepares it for use as collective `number`. Requires: nobody refers to it.
    void open(std::uint32_t number, const request& requested, const std::source_location& where);

    /// Records a member's request for another collective: this one will never be complete.
    void break_up(std::size_t id, const std::source_location& where, const request& requested);
    /// Counts arrivals in one leaf; returns true if these complete the collective. Memory ordering: the
    /// thread that completes a leaf sees its contributions; the thread that completes the collective sees the
    /// results of all leaves.
    bool arrive(std::size_t leaf, std::uint32_t count) noexcept;
    /// Counts members that will not access it again; returns true if none will.
    bool leave(std::size_t count) noexcept {
        return to_leave_.fetch_sub(count, std::memory_order_acq_rel) == count;
    }

    /// Destroys the contributions. Requires: no member will access it.
    void retire() noexcept { clear(); }
    /// Rethrows what combining threw. Requires: complete.
    void throw_if_failed() const {
        if (error_ != nullptr) [[unlikely]]
            throw_error();
    }

    /// Records a member that arrives without waiting yet.
    void start(std::size_t id, const std::source_location& where, const request& requested);
    /// Makes such a member wait, which is rank `index` of the scheduler; returns false if the collective is
    /// complete.
    bool wait(std::size_t index, wait_record& record, std::coroutine_handle<> rank,
              const std::source_location& where);
    /// Has completion counted at a gate, which wakes the rank; returns false if the collective is complete.
    bool watch(std::size_t index, wait_gate& gate);
    void unwatch(const wait_gate& gate) noexcept;
    bool is_complete() const noexcept { return complete_.load(std::memory_order_acquire); }
    /// Marks it as complete. Returns the ranks of the scheduler that wait for it, or sets `everyone` if all
    /// members do.
    std::vector<std::size_t> complete(bool& everyone);

    /// Marks it as failed, for members that arrive later too. Requires: no rank can run.
    void give_up(const std::exception_ptr& failure);
    /// Returns why it will never be complete; null if that depends on ranks that wait. Requires: no rank can
    /// run.
    std::exception_ptr cause();

    /// Records a member's arrival time, for a scheduler that is timed.
    void arrived_at(std::size_t id, std::chrono::nanoseconds time) noexcept { arrivals_[id] = time; }
    std::vector<std::chrono::nanoseconds> take_times() noexcept { return std::move(arrivals_); }
    const std::source_location& first_where() const noexcept { return first_where_; }

protected:
    explicit collective(communicator& peers);

    /// Combines the contributions of one leaf's members, [begin, end).
    virtual void fold(std::size_t /*begin*/, std::size_t /*end*/) {}
    /// Combines the results of the leaves.
    virtual void finish() {}
    /// Called before the first member arrives, and after the last has left.
    virtual void prepare() {}
    virtual void clear() noexcept {}
    std::size_t leaves() const noexcept { return (size_ + leaf_size - 1) / leaf_size; }

private:
    struct early_arrival {
        std::size_t id = 0;
        std::source_location where;
        request requested;
    };
    struct watcher {
        std::size_t index = 0;
        wait_gate* gate = nullptr;
    };
    [[noreturn]] void throw_error() const;
    std::vector<early_arrival> arrivals_in_order() const;
    std::exception_ptr mismatch() const;
    std::exception_ptr absence() const;
    void store_error() noexcept;

    communicator* peers_;
    std::size_t size_;
    std::uint32_t number_ = 0;
    request requested_;
    std::source_location first_where_;
    std::atomic<bool> broken_{false};
    std::atomic<bool> complete_{false};
    std::atomic<std::size_t> to_leave_{0};
    std::atomic<std::size_t> leaves_to_come_{0};
    std::unique_ptr<std::atomic<std::uint32_t>[]> arrived_; // for each leaf
    std::mutex mutex_;                                      // guards the rest until complete
    std::exception_ptr error_;                              // what fold or finish threw
    std::exception_ptr failure_;                            // cached by cause()
    std::size_t looked_at_ = 0;                             // the halt of the last cause()
    std::vector<early_arrival> started_;                    // members that did not wait at once
    std::vector<early_arrival> mismatched_;                 // members that requested another
    std::vector<std::size_t> waiting_;                      // of started_, as ranks of the scheduler
    std::vector<watcher> watchers_;                         // of started_, that wait for more than this
    std::vector<std::chrono::nanoseconds> arrivals_;        // by id; empty unless timed
};

} // namespace spmd::detail
