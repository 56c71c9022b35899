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
    void wait_for(meeting& at, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<char*>(&at);
        where_ = where;
    }
    void wait_for(receiver& receive, const std::source_location& where) noexcept {
        awaited_ = reinterpret_cast<char*>(&receive) + receiving;
        where_ = where;
    }
    void continue_at(std::coroutine_handle<> rank) noexcept { continuation_ = rank; }
    void resume() const { continuation_.resume(); }

    bool is_started() const noexcept { return continuation_ != nullptr; }
    void end() noexcept { continuation_ = nullptr; }
    const std::source_location& where() const noexcept { return where_; }
    /// Null where it waits for something else.
    receiver* awaited_message() const noexcept {
        return tag() == receiving ? reinterpret_cast<receiver*>(awaited_ - receiving) : nullptr;
    }

    bool has_failed() const noexcept { return tag() == failed; }
    /// What its `co_await` will throw. `error` lives as long as the rank.
    void fail(std::exception_ptr& error) noexcept { awaited_ = reinterpret_cast<char*>(&error) + failed; }
    /// The meeting that it waited for. Throws: what it was told to.
    meeting& met() const {
        if (tag() != 0) [[unlikely]]
            throw_error();
        return *reinterpret_cast<meeting*>(awaited_);
    }
    [[noreturn]] void throw_error() const;

private:
    // What is awaited, by how far the pointer is off: objects lie at multiples of 8.
    static constexpr unsigned receiving = 1;
    static constexpr unsigned failed = 2;
    unsigned tag() const noexcept {
        return static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(awaited_) & 3U);
    }

    std::coroutine_handle<> continuation_; // null: not started, or ended
    char* awaited_ = nullptr;              // a meeting, a receiver or an error
    std::source_location where_;
};

} // namespace spmd::detail
