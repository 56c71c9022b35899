#include <spmd/detail/ranks/reductions.hpp>

#include "launch/on_thread.hpp"

#include <spmd/detail/launch/parallel_loop.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>

namespace spmd::detail {
namespace {

/// Bytes of a part, of all vectors together, which stay in the cache of a core; and its least elements, which
/// fill a few lines of each vector.
constexpr std::size_t bytes_of_part = std::size_t{1} << 17;
constexpr std::size_t least_of_part = 64;
/// Bytes that are worth more threads than one. (all_reduce/vectors_of_16_MiB)
constexpr std::size_t shared_bytes = std::size_t{1} << 19;

/// The first of the parts that failed, and its exception.
class first_failure {
public:
    void record(std::size_t part) noexcept {
        const std::lock_guard lock(mutex_);
        if (error_ != nullptr && part_ < part) return;
        error_ = std::current_exception();
        part_ = part;
    }
    void rethrow() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }

private:
    std::mutex mutex_;
    std::exception_ptr error_;
    std::size_t part_ = 0;
};

} // namespace

void for_parts(launcher& launch, std::size_t elements, std::size_t bytes_each,
               const std::function<void(index_range)>& body) {
    const std::size_t part_size = std::max(bytes_of_part / bytes_each, least_of_part);
    const std::size_t parts = (elements + part_size - 1) / part_size;
    const auto range = [&](std::size_t part) {
        return index_range{part * part_size, std::min((part + 1) * part_size, elements)};
    };
    if (elements * bytes_each < shared_bytes || launch.topology().threads() == 1) {
        for (std::size_t part = 0; part < parts; ++part) body(range(part));
        return;
    }
    first_failure failure;
    on_thread([&] {
        run_loop(launch, parts, [&](std::size_t part) {
            try {
                body(range(part));
            } catch (...) {
                failure.record(part);
            }
        });
    });
    failure.rethrow();
}

void require_as_long(std::size_t first, std::size_t elements) {
    if (first == elements) return;
    std::string text = "exclusive_scan of ";
    text += std::to_string(elements);
    text += " elements has an initial value of ";
    text += std::to_string(first);
    text += " elements";
    throw std::invalid_argument(text);
}

} // namespace spmd::detail
