#include "ranks/stack_overflow.hpp"

#include "ranks/fiber_stacks.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace spmd::detail {
namespace {

struct sigaction handler_before;

/// A line of text made without the heap, as a signal handler needs it.
class line {
public:
    line& operator<<(std::string_view text) noexcept {
        for (const char c : text)
            if (size_ < text_.size()) text_[size_++] = c;
        return *this;
    }
    line& operator<<(std::size_t number) noexcept {
        std::array<char, 24> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
    }
    void write() const noexcept {
        [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text_.data(), size_);
    }

private:
    std::array<char, 320> text_{};
    std::size_t size_ = 0;
};

void report(const fiber& overflown) noexcept {
    line text;
    text << "spmd: stack overflow: rank " << overflown.engine() << " needs more than its stack of "
         << overflown.stack().size
         << " bytes; write on_fibers(task, {.stack_size = " << 4 * overflown.stack().size << "})\n";
    text.write();
}

void on_access_error(int signal, siginfo_t* info, void* context) {
    const auto* const here = static_cast<const fiber*>(task_stack::here());
    if (here != nullptr && here->stack().is_guarded) {
        const auto* const address = static_cast<const std::byte*>(info->si_addr);
        if (address < here->stack().bottom && address >= here->stack().bottom - guard_of(here->stack())) {
            report(*here);
            ::signal(signal, SIG_DFL); // the access is repeated, and ends the process
            return;
        }
    }
    const auto flags = static_cast<unsigned>(handler_before.sa_flags);
    if ((flags & SA_RESETHAND) != 0) ::signal(signal, SIG_DFL);
    if ((flags & SA_SIGINFO) != 0) return handler_before.sa_sigaction(signal, info, context);
    if (handler_before.sa_handler == SIG_DFL || handler_before.sa_handler == SIG_IGN) {
        ::signal(signal, SIG_DFL);
        if (info->si_code <= 0) ::raise(signal); // sent by a process, so nothing repeats it
        return;
    }
    handler_before.sa_handler(signal);
}

void install_handler() noexcept {
    struct sigaction action{};
    action.sa_sigaction = on_access_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGSEGV, &action, &handler_before);
}

/// The stack on which this thread handles signals: its own may be the one that overflowed.
class signal_stack {
public:
    signal_stack() noexcept {
        stack_t now{};
        if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
        void* const mapped =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) return;
        stack_t own{};
        own.ss_sp = mapped;
        own.ss_size = size;
        if (::sigaltstack(&own, nullptr) == 0)
            mapped_ = mapped;
        else
            ::munmap(mapped, size);
    }
    signal_stack(const signal_stack&) = delete;
    signal_stack& operator=(const signal_stack&) = delete;
    ~signal_stack() {
        if (mapped_ == nullptr) return;
        stack_t now{};
        if (::sigaltstack(nullptr, &now) == 0 && now.ss_sp == mapped_) {
            stack_t none{};
            none.ss_flags = SS_DISABLE;
            ::sigaltstack(&none, nullptr);
        }
        ::munmap(mapped_, size);
    }

private:
    static constexpr std::size_t size = std::size_t{64} << 10;
    void* mapped_ = nullptr;
};

} // namespace

void begin_to_watch_stack_overflow() noexcept {
    static const bool installed = [] {
        install_handler();
        return true;
    }();
    thread_local const signal_stack stack;
    static_cast<void>(installed);
    static_cast<void>(stack);
}

void end_after_overflow(const fiber& overflown) noexcept {
    report(overflown);
    std::abort();
}

} // namespace spmd::detail
