#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/is_task.hpp>
#include <spmd/detail/ranks/listed_broadcast.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/submit.hpp>
#include <spmd/error.hpp>
#include <spmd/rank.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

template <class T>
class task_promise;

/// task(rank, args…) for every rank of a group, where the task is a coroutine: a scheduler, as a job.
template <class T, class Task, class... Args>
class coroutine_job final : public result_job<T>, private rank_scheduler {
public:
    template <class F, class... As>
    coroutine_job(const group& group, const run_options& options, F&& task, As&&... args)
        : coroutine_job::result_job(group.shares, one_by_one, *group.pool, cost, task_kind::rank, options),
          rank_scheduler(group.shares, group.size, group.pool->threads, cost, this->flags(),
                         this->intervals_to_fill(), this->submitted(), this->traced()),
          launch_(group.pool->launch.get()),
          work_(std::in_place, std::forward<F>(task), std::forward<As>(args)...),
          everyone_(std::in_place, static_cast<rank_scheduler&>(*this),
                    rank_context{group.size, group.engines.empty() ? nullptr : group.engines.data(),
                                 &this->flags(), &this->reported_items()}) {}

    index_range claim(std::size_t most) noexcept override { return rank_scheduler::claim(most); }
    void run_claimed(index_range range) noexcept override { this->run_once(range); }
    bool goes_on() const noexcept override { return true; }
    bool is_claimable() const noexcept override { return this->has_ready(); }
    std::vector<collective_times> collectives() const override { return this->kept_collectives(); }

    void dispose() noexcept override {
        listed_.reset();
        everyone_.reset();
        this->forget_failures();
        work_.reset();
        coroutine_job::result_job::dispose();
    }

private:
    using frame = std::coroutine_handle<task_promise<T>>;
    /// Claimed ranges need not begin at certain ranks: each has a record of its own.
    static constexpr std::size_t one_by_one = 1;

    void run(index_range) noexcept override {} // run_claimed does it
    void run_part(std::size_t arena, const std::function<void()>* on_first,
                  const std::function<bool()>& is_crowded) noexcept override {
        this->run_ready(arena, on_first, is_crowded);
    }

    std::coroutine_handle<> make(std::size_t id) override {
        const call& work = *work_;
        return std::apply(
                   [&](const Args&... args) -> task<T> {
                       return std::invoke(
                           work.task, rank(*everyone_, id),
                           bound_argument_of(static_cast<const rank_context&>(*everyone_), id, args)...);
                   },
                   work.args)
            .release();
    }
    void end(std::size_t id, std::coroutine_handle<> ended) noexcept override {
        try {
            if (!ended) throw;
            frame own = frame::from_address(ended.address());
            const std::unique_ptr<task_promise<T>, destroy_frame> destroyed(&own.promise());
            slots<T>::fill(this->values().begin(), id,
                           [&]() -> decltype(auto) { return own.promise().take(); });
        } catch (const cancelled_error&) {
            if (this->stop_requested()) return this->skip_one(id);
            return this->fail(id, std::current_exception());
        } catch (...) {
            return this->fail(id, std::current_exception());
        }
        this->succeed(id);
        this->tell_waiters();
    }
    struct destroy_frame {
        void operator()(task_promise<T>* promise) const noexcept { frame::from_promise(*promise).destroy(); }
    };

    void skip(index_range ranks) noexcept override { tracked_job::skip(ranks); }
    void skip_one(std::size_t id) noexcept { tracked_job::skip({id, id + 1}); }
    void all_ended() noexcept override { this->end_indices(this->job::count()); }
    void call_threads() noexcept override {
        launch_->call_more(*this);
        this->wake_if_waited_for();
    }
    std::size_t threads_at_work() const noexcept override { return this->threads_taking_part(); }
    job_pointer<job> share() noexcept override {
        this->reference();
        return job_pointer<job>(this);
    }
    std::exception_ptr error_of_ended(std::size_t id) const override {
        return this->state(id) == task_state::done ? nullptr : this->error_of(id);
    }

    struct call {
        template <class F, class... As>
        explicit call(F&& t, As&&... as) : task(std::forward<F>(t)), args(std::forward<As>(as)...) {}
        Task task;
        std::tuple<Args...> args;
    };
    static inline cost_estimate cost;

    launcher* launch_;
    std::optional<call> work_;
    std::optional<communicator> everyone_;
    std::optional<listed_broadcast> listed_{std::in_place, static_cast<rank_scheduler&>(*this), *this};
};

template <class Task, class... Args>
    requires is_task<returned_to_rank<Task, Args...>>
struct job_of<Task, Args...> {
    using type = coroutine_job<typename returned_to_rank<Task, Args...>::value_type, Task, Args...>;
};

} // namespace spmd::detail
