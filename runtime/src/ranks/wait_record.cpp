#include <spmd/detail/ranks/wait_record.hpp>

#include <spmd/detail/ranks/joint_wait.hpp>

namespace spmd::detail {

void wait_record::leave() {
    if (has_failed()) {
        const std::exception_ptr error = failure();
        awaited_ = nullptr;
        std::rethrow_exception(error);
    }
    if (joint_wait* const joint = awaited_jointly()) joint->leave();
}

} // namespace spmd::detail
