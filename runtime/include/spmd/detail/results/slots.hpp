#pragma once

#include <spmd/results.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Types of which a vector can be constructed before the run, so that each task assigns its own element.
template <class T>
concept ready_made =
    std::is_trivially_default_constructible_v<T> && std::movable<T> && !std::same_as<T, bool>;

/// Storage for one result per task.
/// Thread safety: tasks may fill different slots concurrently; all else is for one thread.
template <class T>
class slots {
public:
    static_assert(std::move_constructible<T>, "a task's result is moved to its receiver");
    static constexpr bool destroys = !std::is_trivially_destructible_v<T>;

    explicit slots(std::size_t count) : memory_(std::allocator<T>{}.allocate(count)), count_(count) {}
    slots(const slots&) = delete;
    slots& operator=(const slots&) = delete;
    ~slots() { std::allocator<T>{}.deallocate(memory_, count_); }

    T* begin() noexcept { return memory_; }
    template <class Make>
    static void fill(T* slots, std::size_t i, Make&& make) {
        ::new (static_cast<void*>(slots + i)) T(make());
    }
    void destroy(std::size_t i) noexcept { std::destroy_at(memory_ + i); }
    T& operator[](std::size_t i) noexcept { return memory_[i]; }
    /// Moves all values out. Requires: every slot was filled.
    results<T> take() {
        return results<T>(std::make_move_iterator(memory_), std::make_move_iterator(memory_ + count_));
    }

private:
    T* memory_;
    std::size_t count_;
};

template <ready_made T>
class slots<T> {
public:
    static constexpr bool destroys = false;

    explicit slots(std::size_t count) : values_(count) {}

    T* begin() noexcept { return values_.data(); }
    template <class Make>
    static void fill(T* slots, std::size_t i, Make&& make) {
        slots[i] = make();
    }
    T& operator[](std::size_t i) noexcept { return values_[i]; }
    std::vector<T> take() noexcept { return std::move(values_); }

private:
    std::vector<T> values_;
};

template <>
class slots<void> {
public:
    static constexpr bool destroys = false;

    explicit slots(std::size_t) noexcept {}

    void* begin() noexcept { return nullptr; }
    template <class Make>
    static void fill(void*, std::size_t, Make&& make) {
        make();
    }
    void take() noexcept {}
};

} // namespace spmd::detail
