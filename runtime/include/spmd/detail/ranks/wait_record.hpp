#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>

namespace spmd::detail {

class collective;
class joint_wait;
class receiver;

/// A rank's wait, and the coroutine to resume: one for each rank of a scheduler. Written by the
/// thread that runs the rank, before others can wake it. 24 bytes, hence the tagged pointer.
/// (coroutine/waiting_memory)
class wait_record {
public:
    void wait_for(collective& joined, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<char*>(&joined);
        where_ = where;
    }
    void wait_for(receiver& receive, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<char*>(&receive) + receiving;
        where_ = where;
    }
    void wait_for(joint_wait& wait, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<char*>(&wait) + jointly;
        where_ = where;
    }
    /// Records a wait for the end of another submission's job.
    void wait_for_job(const std::source_location& where) noexcept {
        awaited_ = nullptr;
        where_ = where;
    }
    bool waits_for_job() const noexcept { return awaited_ == nullptr; }
    /// Records that the rank is ready, but lets others run first.
    void yield(const std::source_location& where) noexcept {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): a tag without a pointer
        awaited_ = reinterpret_cast<char*>(std::uintptr_t{jointly});
        where_ = where;
    }
    bool yields() const noexcept { return reinterpret_cast<std::uintptr_t>(awaited_) == jointly; }
    void continue_at(std::coroutine_handle<> rank) noexcept { continuation_ = rank; }
    void resume() const { continuation_.resume(); }

    bool is_started() const noexcept { return continuation_ != nullptr; }
    void end() noexcept { continuation_ = nullptr; }
    const std::source_location& where() const noexcept { return where_; }
    /// Returns null if the rank waits for something else.
    receiver* awaited_message() const noexcept {
        return tag() == receiving ? reinterpret_cast<receiver*>(awaited_ - receiving) : nullptr;
    }

    /// Returns null if the rank does not wait for several operations, or with a deadline.
    joint_wait* awaited_jointly() const noexcept {
        return tag() == jointly && !yields() ? reinterpret_cast<joint_wait*>(awaited_ - jointly) : nullptr;
    }

    bool has_failed() const noexcept { return tag() == failed; }
    /// Marks the wait as failed with `error`, which lives until the failure is thrown or withdrawn.
    void fail(const std::exception_ptr& error) noexcept {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): only read
        awaited_ = reinterpret_cast<char*>(const_cast<std::exception_ptr*>(&error)) + failed;
    }
    /// Throws the failure of the wait, once, and ends a joint wait. Called when a wait ends, and before the
    /// next begins: GCC 12 begins the second wait of an expression before it takes the result of the first.
    void throw_if_failed() {
        if ((reinterpret_cast<std::uintptr_t>(awaited_) & failed) != 0) [[unlikely]]
            leave();
    }
    /// Forgets a joint wait that ends.
    void forget(const joint_wait& ended) noexcept {
        if (awaited_jointly() == &ended) awaited_ = nullptr;
    }
    /// Withdraws a failure that nobody took and whose error is about to be destroyed.
    void withdraw(const std::exception_ptr& error) noexcept {
        if (has_failed() && &failure() == &error) awaited_ = nullptr;
    }
    /// Requires: the rank waits for a collective.
    collective& awaited_collective() const noexcept { return *reinterpret_cast<collective*>(awaited_); }

private:
    // Tags in the low bits of awaited_: objects are aligned to 8 bytes. What leave() is for has the bit
    // `failed`.
    static constexpr unsigned receiving = 1;
    static constexpr unsigned failed = 2;
    static constexpr unsigned jointly = 3; // without a pointer: yields
    unsigned tag() const noexcept {
        return static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(awaited_) & 3U);
    }
    const std::exception_ptr& failure() const noexcept {
        return *reinterpret_cast<const std::exception_ptr*>(awaited_ - failed);
    }
    void leave();

    std::coroutine_handle<> continuation_; // null: not started, or ended
    char* awaited_ = nullptr;              // a collective, a receiver, a joint_wait or an error
    std::source_location where_;
};

} // namespace spmd::detail
