#pragma once

#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/results/concat_parts.hpp>
#include <spmd/shared_values.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Throws: std::invalid_argument unless there is one value per rank.
void require_one_each(const char* collective, std::size_t values, std::size_t ranks);

class barrier_collective final : public collective {
public:
    static constexpr const char* name = "barrier";
    static constexpr const std::type_info* type = nullptr;
    static constexpr bool has_root = false;
    using contribution = no_contribution;
    using result = void;

    explicit barrier_collective(communicator& peers) : collective(peers) {}
    void give(std::size_t, contribution&) noexcept {}
    result take(std::size_t, contribution&) noexcept {}
};

/// A barrier that delivers the time at which its last member arrived.
class clock_collective final : public values_collective<std::chrono::steady_clock::time_point> {
public:
    static constexpr const char* name = "clock";
    static constexpr bool has_root = false;
    using contribution = no_contribution;
    using result = std::chrono::steady_clock::time_point;

    explicit clock_collective(communicator& peers) : values_collective(peers) {}
    // Not when all are known to have arrived, which may be when this thread's next rank meets.
    void give(std::size_t id, contribution&) { store(id, std::chrono::steady_clock::now()); }
    result take(std::size_t, contribution&) noexcept { return last_; }

private:
    void finish() override {
        last_ = value(0);
        for (std::size_t id = 1; id < size(); ++id) last_ = std::max(last_, result(value(id)));
    }

    result last_;
};

/// A contribution of a value.
template <class T>
struct value_contribution : no_contribution {
    explicit value_contribution(T v) : value(std::move(v)) {}
    T value;
};

template <class T>
struct rooted_value : no_contribution {
    static constexpr bool has_parameters = true;
    rooted_value(T v, std::size_t r) : value(std::move(v)), root_id(r) {}
    std::size_t root() const noexcept { return root_id; }
    T value;
    std::size_t root_id;
};

/// A collective to which only the root contributes.
template <class T>
class root_collective : public collective {
public:
    static constexpr const std::type_info* type = &typeid(T);
    static constexpr bool has_root = true;
    using contribution = rooted_value<T>;

    void give(std::size_t id, contribution& given) {
        if (id == given.root()) value_.emplace(std::move(given.value));
    }

protected:
    explicit root_collective(communicator& peers) : collective(peers) {}
    T& of_root() noexcept { return *value_; }
    void clear() noexcept override { value_.reset(); }

private:
    std::optional<T> value_;
};

template <class T>
class broadcast_collective final : public root_collective<T> {
public:
    static constexpr const char* name = "broadcast";
    using result = T;

    explicit broadcast_collective(communicator& peers) : root_collective<T>(peers) {}
    result take(std::size_t, typename broadcast_collective::contribution&) {
        return std::as_const(this->of_root());
    }
};

template <class T>
class scatter_collective final : public root_collective<std::vector<T>> {
public:
    static constexpr const char* name = "scatter";
    using result = T;

    explicit scatter_collective(communicator& peers) : root_collective<std::vector<T>>(peers) {}
    result take(std::size_t id, typename scatter_collective::contribution&) {
        return std::move(this->of_root()[id]);
    }

private:
    void finish() override { require_one_each(name, this->of_root().size(), this->size()); }
};

template <class T>
class gather_collective final : public values_collective<T> {
public:
    static constexpr const char* name = "gather";
    static constexpr bool has_root = true;
    using contribution = rooted_value<T>;
    using result = results<T>;

    explicit gather_collective(communicator& peers) : values_collective<T>(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, std::move(given.value)); }
    result take(std::size_t id, contribution& given) {
        return id == given.root() ? this->take_values() : result();
    }
};

/// Concatenates `count` ranges.
template <class Part, class ValueOf>
flat<Part> chained(std::size_t count, const ValueOf& part) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += static_cast<std::size_t>(std::ranges::size(part(i)));
    flat<Part> whole;
    whole.reserve(size);
    for (std::size_t i = 0; i < count; ++i)
        for (auto& item : part(i)) whole.push_back(std::move(item));
    return whole;
}

template <class Part>
class concat_collective final : public values_collective<Part> {
public:
    static constexpr const char* name = "concat";
    static constexpr bool has_root = true;
    using contribution = rooted_value<Part>;
    using result = flat<Part>;

    explicit concat_collective(communicator& peers) : values_collective<Part>(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, std::move(given.value)); }
    result take(std::size_t id, contribution& given) {
        if (id != given.root()) return {};
        return chained<Part>(this->size(), [this](std::size_t i) -> Part& { return this->value(i); });
    }
};

/// A collective whose members share one result.
template <class T, class Item>
class sharing_collective : public values_collective<T> {
public:
    static constexpr bool has_root = false;
    using contribution = value_contribution<T>;
    using result = shared_values<Item>;

    void give(std::size_t id, contribution& given) { this->store(id, std::move(given.value)); }
    result take(std::size_t, contribution&) { return result(shared_); }

protected:
    explicit sharing_collective(communicator& peers) : values_collective<T>(peers) {}
    void share(results<Item> values) { shared_ = std::make_shared<const results<Item>>(std::move(values)); }
    void clear() noexcept override {
        values_collective<T>::clear();
        shared_.reset();
    }

private:
    std::shared_ptr<const results<Item>> shared_;
};

template <class T>
class all_gather_collective final : public sharing_collective<T, T> {
public:
    static constexpr const char* name = "all_gather";
    explicit all_gather_collective(communicator& peers) : sharing_collective<T, T>(peers) {}

private:
    void finish() override { this->share(this->take_values()); }
};

template <class Part>
class all_concat_collective final : public sharing_collective<Part, std::ranges::range_value_t<Part>> {
public:
    static constexpr const char* name = "all_concat";
    explicit all_concat_collective(communicator& peers)
        : sharing_collective<Part, std::ranges::range_value_t<Part>>(peers) {}

private:
    void finish() override {
        this->share(chained<Part>(this->size(), [this](std::size_t i) -> Part& { return this->value(i); }));
    }
};

/// A contribution of one value per member.
template <class T>
struct values_contribution : no_contribution {
    static constexpr bool has_parameters = true;
    explicit values_contribution(std::vector<T> v) : values(std::move(v)), given(values.size()) {}
    std::size_t count() const noexcept { return given; }
    std::vector<T> values;
    std::size_t given; // the values are moved away
};

template <class T>
class all_to_all_collective final : public values_collective<std::vector<T>> {
public:
    static constexpr const char* name = "all_to_all";
    static constexpr bool has_root = false;
    using contribution = values_contribution<T>;
    using result = std::vector<T>;

    explicit all_to_all_collective(communicator& peers) : values_collective<std::vector<T>>(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, std::move(given.values)); }
    result take(std::size_t id, contribution&) {
        result mine;
        mine.reserve(this->size());
        for (std::size_t from = 0; from < this->size(); ++from)
            mine.push_back(std::move(this->value(from)[id]));
        return mine;
    }

private:
    void finish() override { require_one_each(name, this->requested().count, this->size()); }
};

} // namespace spmd::detail
