#include <checksum/md5_lanes.hpp>

#include <checksum/md5_kernels.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace checksum {
namespace {

constexpr std::size_t state_words = std::tuple_size_v<md5_state>;

/// Messages in progress, one in each lane from the first on; unused lanes repeat the work of the first one.
class busy_lanes {
public:
    explicit busy_lanes(std::span<const md5_kernel> kernels) : kernels_(kernels) {}

    std::size_t busy() const noexcept { return busy_; }
    bool has_room() const noexcept { return busy_ < kernel_->lanes; }

    /// Selects the narrowest kernel with at least `wanted` lanes, or the widest one.
    void fit(std::size_t wanted) noexcept {
        const auto fits = [&](const md5_kernel& each) { return each.lanes >= wanted; };
        const auto found = std::ranges::find_if(kernels_, fits);
        const md5_kernel& next = found != kernels_.end() ? *found : kernels_.back();
        if (kernel_ == &next) return;
        if (kernel_ != nullptr)
            for (std::size_t word = 1; word < state_words;
                 ++word) // towards lower addresses: only to a narrower kernel
                std::memmove(&words_[word * next.lanes], &words_[word * kernel_->lanes],
                             busy_ * sizeof words_[0]);
        kernel_ = &next;
    }

    void add(const md5_run& run) noexcept {
        lanes_[busy_] = {run.state, run.count};
        blocks_[busy_] = run.blocks;
        for (std::size_t word = 0; word < state_words; ++word) word_at(word, busy_) = (*run.state)[word];
        ++busy_;
    }

    /// Advances all messages until the first one ends, and releases the lanes of those that ended.
    void advance() noexcept {
        std::size_t count = lanes_[0].left;
        for (std::size_t lane = 1; lane < busy_; ++lane) count = std::min(count, lanes_[lane].left);
        for (std::size_t lane = busy_; lane < kernel_->lanes; ++lane) blocks_[lane] = blocks_[0];
        kernel_->advance(words_.data(), blocks_.data(), count);
        for (std::size_t lane = busy_; lane-- > 0;) {
            blocks_[lane] += count * md5_block_size;
            lanes_[lane].left -= count;
            if (lanes_[lane].left == 0) release(lane);
        }
    }

private:
    struct message {
        md5_state* state = nullptr;
        std::size_t left = 0; // blocks
    };

    std::uint32_t& word_at(std::size_t word, std::size_t lane) noexcept {
        return words_[word * kernel_->lanes + lane];
    }

    void release(std::size_t lane) noexcept {
        for (std::size_t word = 0; word < state_words; ++word)
            (*lanes_[lane].state)[word] = word_at(word, lane);
        if (lane == --busy_) return;
        lanes_[lane] = lanes_[busy_];
        blocks_[lane] = blocks_[busy_];
        for (std::size_t word = 0; word < state_words; ++word) word_at(word, lane) = word_at(word, busy_);
    }

    std::span<const md5_kernel> kernels_;
    const md5_kernel* kernel_ = nullptr;
    std::size_t busy_ = 0;
    alignas(64) std::array<std::uint32_t, state_words * most_md5_lanes> words_{};
    std::array<const std::byte*, most_md5_lanes> blocks_{};
    std::array<message, most_md5_lanes> lanes_{};
};

bool are_of_one_length(std::span<const md5_run> runs) noexcept {
    return std::ranges::all_of(runs, [&](const md5_run& each) { return each.count == runs.front().count; });
}

template <class Word>
void store_little_endian(void* to, Word value) noexcept {
    if constexpr (std::endian::native == std::endian::big) {
        for (std::size_t i = 0; i < sizeof value; ++i)
            static_cast<std::byte*>(to)[i] = static_cast<std::byte>(value >> (8 * i));
    } else {
        std::memcpy(to, &value, sizeof value);
    }
}

constexpr std::size_t length_size = sizeof(std::uint64_t);

} // namespace

std::string_view name_of(md5_target target) {
    switch (target) {
        case md5_target::sse4: return "SSE4";
        case md5_target::avx2: return "AVX2";
        case md5_target::avx512: return "AVX-512";
        case md5_target::scalar: break;
    }
    return "scalar";
}

std::span<const md5_target> md5_targets() {
    // The features that Highway lets the compiler assume for each target.
    static const std::vector<md5_target> found = [] {
        std::vector<md5_target> all{md5_target::scalar};
#if defined(__x86_64__)
        const bool has_sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") &&
                              __builtin_cpu_supports("aes");
        const bool has_avx2 = has_sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                              __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
        const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
        if (has_sse4) all.push_back(md5_target::sse4);
        if (has_avx2) all.push_back(md5_target::avx2);
        if (has_avx512) all.push_back(md5_target::avx512);
        std::erase_if(all, [](md5_target each) { return md5_kernels(each).empty(); });
#endif
        return all;
    }();
    return found;
}

std::size_t md5_lanes(md5_target target) { return md5_kernels(target).back().lanes; }

void md5_advance(std::span<md5_run> runs, md5_target target) {
    const auto nothing = std::ranges::partition(runs, [](const md5_run& each) { return each.count > 0; });
    runs = runs.first(runs.size() - nothing.size());
    if (runs.empty()) return;
    if (!are_of_one_length(runs)) std::ranges::sort(runs, std::ranges::greater(), &md5_run::count);
    busy_lanes lanes(md5_kernels(target));
    lanes.fit(runs.size());
    std::size_t next = 0;
    do {
        while (next < runs.size() && lanes.has_room()) lanes.add(runs[next++]);
        if (next == runs.size()) lanes.fit(lanes.busy());
        lanes.advance();
    } while (lanes.busy() > 0 || next < runs.size());
}

std::size_t md5_pad(std::byte* end, std::uint64_t size) noexcept {
    const std::size_t in_last = size % md5_block_size;
    const std::size_t zeros = (2 * md5_block_size - 1 - length_size - in_last) % md5_block_size;
    *end = std::byte{0x80};
    std::memset(end + 1, 0, zeros);
    store_little_endian(end + 1 + zeros, size * 8); // in bits, modulo 2^64
    return 1 + zeros + length_size;
}

md5 md5_digest(const md5_state& state) noexcept {
    md5 digest{};
    for (std::size_t word = 0; word < state_words; ++word)
        store_little_endian(&digest[word * sizeof state[word]], state[word]);
    return digest;
}

void md5_of_each(std::span<const md5_message> messages, std::span<md5> digests, md5_target target) {
    std::vector<md5_state> states(messages.size(), md5_begin);
    std::vector<md5_run> runs(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const std::size_t padded =
            messages[i].size + md5_pad(messages[i].bytes + messages[i].size, messages[i].size);
        runs[i] = {&states[i], messages[i].bytes, padded / md5_block_size};
    }
    md5_advance(runs, target);
    std::ranges::transform(states, digests.begin(), md5_digest);
}

void md5_of_each(std::span<const std::span<const std::byte>> messages, std::span<md5> digests,
                 md5_target target) {
    constexpr std::size_t tail_size = 2 * md5_block_size;
    std::vector<md5_state> states(messages.size(), md5_begin);
    std::vector<md5_run> runs(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i)
        runs[i] = {&states[i], messages[i].data(), messages[i].size() / md5_block_size};
    md5_advance(runs, target);
    std::vector<std::byte> tails(tail_size * messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const std::span<const std::byte> rest =
            messages[i].subspan(messages[i].size() / md5_block_size * md5_block_size);
        std::byte* const tail = &tails[tail_size * i];
        if (!rest.empty()) std::memcpy(tail, rest.data(), rest.size());
        runs[i] = {&states[i], tail,
                   (rest.size() + md5_pad(tail + rest.size(), messages[i].size())) / md5_block_size};
    }
    md5_advance(runs, target);
    std::ranges::transform(states, digests.begin(), md5_digest);
}

} // namespace checksum
