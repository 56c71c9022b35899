#include <spmd/detail/ranks/wait_record.hpp>

#include <utility>

namespace spmd::detail {

void wait_record::throw_error() {
    const std::exception_ptr error = failure();
    awaited_ = nullptr;
    std::rethrow_exception(error);
}

} // namespace spmd::detail
