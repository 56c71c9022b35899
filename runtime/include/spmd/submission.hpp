#pragma once

#include <spmd/async_result.hpp>

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {
namespace detail {
struct submission_access;
} // namespace detail

/// A broadcast or map that has been described but not begun, as returned by `broadcast` and `map`.
///
/// `get`, `concat`, `reduce`, `outcomes`, `in_order` and `wait` run it with the calling thread among others,
/// and wake other threads only where that pays. start() begins it on other threads and returns at once.
/// Destroyed before either, it runs nothing. The source line of that call names it in traces and in a
/// debugger, unless run_options::name does.
///
///     std::vector<md5> digests = pool.broadcast(md5_of_my_part).concat();     // begun and joined
///     auto running = pool.broadcast(md5_of_my_part).start();                  // in flight
///
/// If tasks of its kind have always been short, the first runs before other threads are woken.
/// Thread safety: for one thread.
/// Throws: std::logic_error if it was started, moved from, or its results were taken before.
template <class T>
class [[nodiscard("a submission runs nothing before it is started or waited for")]] submission {
public:
    using value_type = T;
    using location = std::source_location;

    submission(submission&&) noexcept = default;
    submission& operator=(submission&&) noexcept = default;
    ~submission() = default;

    /// Begins it on other threads; the submission is empty afterwards.
    async_result<T> start(location where = location::current()) {
        detail::ordered_access<T>(begun_at(where)).start();
        return std::move(described_);
    }

    /// As async_result::get().
    results<T> get(location where = location::current()) { return begun_at(where).get(); }
    /// As async_result::concat().
    template <class Part = T>
        requires concatenable<Part>
    flat<Part> concat(flat<Part> reused = {}, location where = location::current()) {
        return begun_at(where).concat(std::move(reused));
    }
    /// As async_result::reduce().
    template <class Op>
    auto reduce(Op op, location where = location::current()) {
        return begun_at(where).reduce(std::move(op));
    }
    template <class Op, class Value = T>
    auto reduce(Op op, std::type_identity_t<Value> first, location where = location::current()) {
        return begun_at(where).reduce(std::move(op), std::move(first));
    }
    /// As async_result::outcomes().
    std::vector<outcome<T>> outcomes(location where = location::current()) {
        return begun_at(where).outcomes();
    }
    /// As async_result::in_order(); of a temporary submission, the range keeps the results.
    ordered_results<T> in_order(location where = location::current()) & { return begun_at(where).in_order(); }
    ordered_results<T> in_order(location where = location::current()) && {
        return std::move(begun_at(where)).in_order();
    }
    /// As async_result::wait().
    void wait(location where = location::current()) const { begun_at(where).wait(); }
    /// As async_result::timing().
    spmd::timing timing(location where = location::current()) const { return begun_at(where).timing(); }
    /// Suspends the awaiting coroutine until every task has ended, without holding a thread; returns as
    /// get().
    auto operator co_await() noexcept { return detail::result_awaiter<T>(described_); }

private:
    friend struct detail::submission_access;
    submission(detail::job_pointer<detail::result_job<T>> job, std::shared_ptr<const detail::group> group)
        : described_(std::move(job), std::move(group)) {}

    const async_result<T>& begun_at(const location& where) const {
        detail::ordered_access<T>(described_).begin_at(where);
        return described_;
    }
    async_result<T>& begun_at(const location& where) {
        detail::ordered_access<T>(described_).begin_at(where);
        return described_;
    }

    async_result<T> described_;
};

namespace detail {

/// Constructs submissions, and begins them in ways that are not public.
struct submission_access {
    template <class T>
    static spmd::submission<T> make(job_pointer<result_job<T>> job, std::shared_ptr<const group> ranks) {
        return {std::move(job), std::move(ranks)};
    }
    /// Begins it for a thread that joins soon; other threads are recruited if that is worth while.
    template <class T>
    static async_result<T> start_ahead(spmd::submission<T> described) {
        ordered_access<T>(described.begun_at(std::source_location())).start_ahead();
        return std::move(described.described_);
    }
};

} // namespace detail
} // namespace spmd
