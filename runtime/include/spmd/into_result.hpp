#pragma once

#include <spmd/async_result.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace spmd {

/// What a broadcast_into writes, in flight: the ranks fill their parts of one output. Like async_result, but what
/// one gets is the output itself: the memory that the ranks wrote, unmoved and uncopied.
template <class Output>
class [[nodiscard]] into_result {
public:
    into_result(std::unique_ptr<Output> output, async_result<void> done) noexcept
        : output_(std::move(output)), done_(std::move(done)) {}
    into_result(into_result&&) noexcept = default;
    into_result& operator=(into_result&& other) noexcept {
        done_ = std::move(other.done_); // first: it waits for those who write the old output
        output_ = std::move(other.output_);
        return *this;
    }
    ~into_result() = default;

    /// The output, filled. Blocks and throws as async_result::get().
    Output get() {
        done_.get();
        return std::move(*output_);
    }
    void wait() const { done_.wait(); }
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> time) const {
        return done_.wait_for(time);
    }
    bool ready() const { return done_.ready(); }
    spmd::progress progress() const { return done_.progress(); }
    void cancel() const { done_.cancel(); }
    spmd::timing timing() const { return done_.timing(); }

private:
    std::unique_ptr<Output> output_; // destroyed after done_ has waited for those who write it
    async_result<void> done_;
};

} // namespace spmd
