// Where workers that have run dry wait for work that others can spare.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace hone::generate {

/// Items pass from workers with several of them to workers with none. A busy worker pays one atomic load a look.
///
/// Every worker calls begin() once, then take() whenever it has nothing left, until take() returns nothing. It offers
/// items when wanted() says so. A worker that ends otherwise (an exception) calls abandon().
template <class Item>
class HandOver {
 public:
  void begin() {
    std::lock_guard lock(mutex_);
    ++busy_;
  }

  /// Whether somebody waits and nothing is on offer.
  bool wanted() const { return wanted_.load(std::memory_order_relaxed); }

  void offer(std::vector<Item> items) {
    {
      std::lock_guard lock(mutex_);
      for (Item& item : items) offered_.push_back(std::move(item));
      look();
    }
    wake_.notify_all();
  }

  /// Waits for an offer and takes a share of it; empty once nobody is busy any more, or a worker has given up.
  std::vector<Item> take() {
    std::unique_lock lock(mutex_);
    --busy_;
    ++waiting_;
    look();
    if (busy_ == 0) wake_.notify_all();
    wake_.wait(lock, [&] { return abandoned() || busy_ == 0 || !offered_.empty(); });
    std::vector<Item> taken;
    if (!abandoned() && !offered_.empty()) {
      // A share, rounded up: the rest is for the others that wait.
      const std::size_t share = (offered_.size() + waiting_ - 1) / waiting_;
      for (std::size_t i = 0; i < share; ++i) {
        taken.push_back(std::move(offered_.back()));
        offered_.pop_back();
      }
      ++busy_;
    }
    --waiting_;
    look();
    return taken;
  }

  void abandon() {
    {
      std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    wake_.notify_all();
  }

  bool abandoned() const { return abandoned_.load(std::memory_order_relaxed); }

 private:
  void look() { wanted_ = waiting_ > 0 && offered_.empty(); }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Item> offered_;
  std::size_t busy_ = 0, waiting_ = 0;
  std::atomic<bool> wanted_{false}, abandoned_{false};
};

}  // namespace hone::generate
