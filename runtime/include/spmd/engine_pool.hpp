#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/views/statement_end.hpp>
#include <spmd/machine.hpp>
#include <spmd/placement.hpp>
#include <spmd/trace_recorder.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace spmd {

class view;
struct slice;
struct run_options;

/// What an engine pool is made of.
struct engine_pool_options {
    /// How many virtual ranks there are; they may be far more than threads.
    std::size_t ranks = available_threads();
    /// How many threads run them, the waiting caller among them; may be more than there are cores.
    std::size_t threads = available_threads();
    /// Which arenas the ranks are dealt to; see engine_pool::topology() for what came of it.
    spmd::placement placement = spmd::placement::compact;
    /// Pins each oneTBB worker that works for the pool to one CPU, until it works for a pool that does not pin;
    /// the calling thread stays as it is.
    bool pin_workers = false;
    /// Records what the pool does; without one, what the environment variable SPMD_TRACE says.
    std::optional<trace_recorder> trace = std::nullopt;
};

/// R virtual ranks, placed on oneTBB arenas in contiguous blocks in proportion to the arenas' threads; fixed for
/// its life. Making one starts no thread; oneTBB's are started by the first work that is worth sharing.
///
///     spmd::engine_pool pool{{.ranks = 100}};
///     std::vector<md5> digests = pool.broadcast([&](spmd::rank me) {
///         std::vector<md5> mine;
///         for (const auto& path : me.part(files)) mine.push_back(md5_of(path));
///         return mine;
///     }).concat();
///
/// The verbs are those of `view`, where they are described; their definitions are in view.hpp.
/// Thread safety: all members may be called at the same time, also from within a task. A result may outlive
/// the pool that it came from.
class engine_pool {
public:
    /// Throws: std::invalid_argument for 0 ranks, 0 threads or more than 4,096 threads.
    explicit engine_pool(const engine_pool_options& options = {});

    /// How many ranks it has.
    std::size_t size() const noexcept { return group_->size; }
    /// How many threads run them.
    std::size_t threads() const noexcept { return group_->pool->threads; }
    /// The arenas, their threads and ranks; and why they are not what was asked for, where they are not.
    const pool_topology& topology() const noexcept { return group_->pool->topology; }

    /// All ranks, with the default options.
    view all() const;
    view with(const run_options& options) const;
    view on(std::span<const std::size_t> engines) const;
    view on(std::initializer_list<std::size_t> engines) const;
    view on(const slice& engines) const;

    template <class Task>
    auto broadcast(Task&& task, const detail::statement_end& end = {}) const;
    template <class Task, class A>
    auto broadcast(Task&& task, A&& a, const detail::statement_end& end = {}) const;
    template <class Task, class A, class B>
    auto broadcast(Task&& task, A&& a, B&& b, const detail::statement_end& end = {}) const;
    template <class Task, class A, class B, class C>
    auto broadcast(Task&& task, A&& a, B&& b, C&& c, const detail::statement_end& end = {}) const;
    template <class Task, class A, class B, class C, class D>
    auto broadcast(Task&& task, A&& a, B&& b, C&& c, D&& d, const detail::statement_end& end = {}) const;
    template <class Task, class A, class B, class C, class D, class E, class... Rest>
    auto broadcast(Task&& task, A&& a, B&& b, C&& c, D&& d, E&& e, Rest&&... rest) const;
    template <class Output, class Task>
    auto broadcast_into(Output output, Task&& task, const detail::statement_end& end = {}) const;
    template <class Task, class Range>
    auto map(Task&& task, Range&& range, const detail::statement_end& end = {}) const;
    template <class Task, class First, class Second, class... Rest>
    auto map(Task&& task, First&& first, Second&& second, Rest&&... rest) const;

    template <class Items, class... Rule>
    auto scatter(Items&& items, const Rule&... rule) const;
    template <class T, class... Args>
    auto make_local(Args&&... args) const;
    template <class T>
    auto replicate(const T& value) const;
    template <class Handle>
    auto gather(Handle&& from) const;
    template <class Handle>
    auto pull(const Handle& from) const;
    template <class Handle, class Value, class... Flatten>
    void push(Handle& to, Value&& value, Flatten... one_each) const;

private:
    friend struct detail::pool_maker;
    engine_pool(std::size_t ranks, std::unique_ptr<detail::launcher> launch,
                const std::optional<trace_recorder>& trace);

    std::shared_ptr<const detail::group> group_;
};

namespace detail {

/// Makes pools on another launcher than oneTBB's, for tests.
struct pool_maker {
    static engine_pool make(std::size_t ranks, std::unique_ptr<launcher> launch,
                            const std::optional<trace_recorder>& trace = std::nullopt) {
        return {ranks, std::move(launch), trace};
    }
};

} // namespace detail
} // namespace spmd
