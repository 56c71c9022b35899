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

class communicator;
class collective;

/// One collective operation on certain types. Ranks that meet must all have asked for the same one.
struct collective_kind {
    const char* name;
    const std::type_info* type;      ///< of what each rank gives; null where it gives nothing
    const std::type_info* operation; ///< that combines it; null where none does
    bool has_root;
    std::unique_ptr<collective> (*make)(communicator& peers);
};

/// What one rank asked for at a collective; all must have asked for the same.
struct request {
    const collective_kind* kind = nullptr;
    std::size_t root = 0;  ///< 0 where the collective has none
    std::size_t count = 0; ///< of elements, where all have to give as many; else 0

    bool operator==(const request&) const = default;
};

/// One use of a collective by the members of a communicator: each arrives once and gives something, then each
/// takes something. The n-th collective that a member calls is the n-th collective.
///
/// Life: open (made by the first to arrive) → complete (all have arrived; the results are there) → retired (all
/// have taken theirs), and then open again for another number. One that fails stays open for good.
///
/// Arrivals are counted for each leaf of 1,024 members, and each leaf is folded by the thread that sees its last
/// member arrive, while what was given is still in its cache. So no counter is shared by all ranks, and which
/// values are combined with which depends on the ids alone.
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

    /// Requires: nobody refers to it.
    void open(std::uint32_t number, const request& requested, const std::source_location& where);

    /// A member asks for something else: the collective will never be complete.
    void break_up(std::size_t id, const std::source_location& where, const request& requested);
    /// Counts arrivals of one leaf; true when these make the collective complete. Memory ordering: what was given
    /// before is seen by whoever completes the leaf, and what the leaves gave by whoever completes the collective.
    bool arrive(std::size_t leaf, std::uint32_t count) noexcept;
    /// Counts members that will not look at it again; true when nobody will.
    bool leave(std::size_t count) noexcept {
        return to_leave_.fetch_sub(count, std::memory_order_acq_rel) == count;
    }

    /// Forgets what the members gave. Requires: nobody will look at it.
    void retire() noexcept { clear(); }
    /// Throws what combining threw. Requires: complete.
    void throw_if_failed() const {
        if (error_ != nullptr) [[unlikely]]
            throw_error();
    }

    /// A member arrives that does not wait yet.
    void start(std::size_t id, const std::source_location& where, const request& requested);
    /// From now on such a member waits, as rank `index` of the scheduler; false when the collective is complete.
    bool wait(std::size_t index, wait_record& record, std::coroutine_handle<> rank,
              const std::source_location& where);
    bool is_complete() const noexcept { return complete_.load(std::memory_order_acquire); }
    /// Makes it complete. Gives the scheduler's indices of all who wait for it; `everyone` when these are all members.
    std::vector<std::size_t> complete(bool& everyone);

    /// Those who wait for it are told why in vain; who comes later is told the same. Requires: no rank can run.
    void give_up(const std::exception_ptr& failure);
    /// Why it will never be complete; null where that depends on others that wait. Requires: no rank can run.
    std::exception_ptr cause();

    /// When each member arrived, where the scheduler is timed.
    void arrived_at(std::size_t id, std::chrono::nanoseconds time) noexcept { arrivals_[id] = time; }
    std::vector<std::chrono::nanoseconds> take_times() noexcept { return std::move(arrivals_); }
    const std::source_location& first_where() const noexcept { return first_where_; }

protected:
    explicit collective(communicator& peers);

    /// Combines what the members of one leaf gave: [begin, end).
    virtual void fold(std::size_t /*begin*/, std::size_t /*end*/) {}
    /// Combines what the leaves gave.
    virtual void finish() {}
    /// Before the members come, and after they have left.
    virtual void prepare() {}
    virtual void clear() noexcept {}
    std::size_t leaves() const noexcept { return (size_ + leaf_size - 1) / leaf_size; }

private:
    struct early_arrival {
        std::size_t id = 0;
        std::source_location where;
        request requested;
    };
    [[noreturn]] void throw_error() const;
    std::vector<early_arrival> arrivals_in_order() const;
    std::exception_ptr mismatch() const;
    std::exception_ptr absence() const;
    void keep_error() noexcept;

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
    std::exception_ptr failure_;                            // what cause() found
    std::size_t looked_at_ = 0;                             // in which halt cause() looked last
    std::vector<early_arrival> started_;                    // those who did not wait at once
    std::vector<early_arrival> mismatched_;                 // those who asked for something else
    std::vector<std::size_t> waiting_;               // those of them who do by now, as ranks of the scheduler
    std::vector<std::chrono::nanoseconds> arrivals_; // by id; empty unless timed
};

} // namespace spmd::detail
