#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>

namespace spmd::detail {

class meeting;
class receiver;

/// What a rank waits for, and where its coroutine goes on: one for each rank of a gang. Written by the thread that
/// runs the rank, before others can wake it.
class wait_record {
public:
    void wait_for(const meeting& at, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<std::uintptr_t>(&at);
        where_ = where;
    }
    void wait_for(const receiver& receive, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<std::uintptr_t>(&receive) | receiving;
        where_ = where;
    }
    void continue_at(std::coroutine_handle<> rank) noexcept { continuation_ = rank; }
    void resume() const { continuation_.resume(); }

    bool is_started() const noexcept { return continuation_ != nullptr; }
    void end() noexcept { continuation_ = nullptr; }
    const std::source_location& where() const noexcept { return where_; }
    /// Null where it waits for something else.
    meeting* awaited_meeting() const noexcept {
        return (awaited_ & tags) == 0 ? reinterpret_cast<meeting*>(awaited_) : nullptr;
    }
    const receiver* awaited_message() const noexcept {
        return (awaited_ & tags) == receiving ? reinterpret_cast<const receiver*>(awaited_ & ~tags) : nullptr;
    }

    /// What its `co_await` will throw. `error` lives as long as the rank.
    void fail(const std::exception_ptr& error) noexcept {
        awaited_ = reinterpret_cast<std::uintptr_t>(&error) | failed;
    }
    /// The meeting that it waited for. Throws: what it was told to.
    meeting& met() const {
        if ((awaited_ & tags) != 0) [[unlikely]]
            throw_error();
        return *reinterpret_cast<meeting*>(awaited_);
    }
    [[noreturn]] void throw_error() const;

private:
    static constexpr std::uintptr_t receiving = 1;
    static constexpr std::uintptr_t failed = 2;
    static constexpr std::uintptr_t tags = 3;

    std::coroutine_handle<> continuation_; // null: not started, or ended
    std::uintptr_t awaited_;               // a meeting; a receiver or an error, tagged
    std::source_location where_;
};

} // namespace spmd::detail
