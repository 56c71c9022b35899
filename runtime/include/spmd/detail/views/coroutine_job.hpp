#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/is_task.hpp>
#include <spmd/detail/ranks/listed_broadcast.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/broadcast_job.hpp>
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

/// A broadcast of a task that is a coroutine, task(rank, args…): its work source is a scheduler of ranks.
template <class T, class Task, class... Args>
class coroutine_job final : public result_job<T>, public rank_program {
public:
    template <class F, class... As>
    coroutine_job(const group& group, const run_options& options, F&& task, As&&... args)
        : coroutine_job::result_job(group.shares, one_by_one, *group.pool, cost, task_kind::rank, options),
          work_(std::in_place, std::forward<F>(task), std::forward<As>(args)...),
          scheduler_(*this, *this, group),
          everyone_(std::in_place, scheduler_,
                    rank_context{group.size, group.engines.empty() ? nullptr : group.engines.data(),
                                 &this->flags(), &this->reported_items()}) {
        this->set_source(scheduler_);
    }

    std::vector<collective_times> collectives() const override { return scheduler_.recorded_collectives(); }

    void dispose() noexcept override {
        listed_.reset();
        everyone_.reset();
        scheduler_.forget_failures();
        work_.reset();
        coroutine_job::result_job::dispose();
    }

private:
    using frame = std::coroutine_handle<task_promise<T>>;
    /// Chunk size that keeps the grain fine: each rank has a record of its own.
    static constexpr std::size_t one_by_one = 1;

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
            if (this->stop_requested()) return this->skip({id, id + 1});
            return this->fail(id, std::current_exception());
        } catch (...) {
            return this->fail(id, std::current_exception());
        }
        this->succeed(id);
        this->wake_index_waiters();
    }
    struct destroy_frame {
        void operator()(task_promise<T>* promise) const noexcept { frame::from_promise(*promise).destroy(); }
    };

    struct call {
        template <class F, class... As>
        explicit call(F&& t, As&&... as) : task(std::forward<F>(t)), args(std::forward<As>(as)...) {}
        Task task;
        std::tuple<Args...> args;
    };
    static inline cost_estimate cost;

    std::optional<call> work_;
    rank_scheduler scheduler_;
    std::optional<communicator> everyone_;
    std::optional<listed_broadcast> listed_{std::in_place, scheduler_, *this};
};

template <class Task, class... Args>
    requires is_task<returned_to_rank<Task, Args...>>
struct job_of<Task, Args...> {
    using type = coroutine_job<typename returned_to_rank<Task, Args...>::value_type, Task, Args...>;
};

} // namespace spmd::detail
