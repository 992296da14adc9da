// A fixed set of worker threads. Work is handed out by index; what a piece of work computes must depend on its index
// alone, so that results are the same with 1 worker and with 16.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace hone::base {

class Pool {
 public:
  /// threads ≥ 1; the calling thread is one of them. `on_start` runs once in every worker (not in the caller) before
  /// this returns, e.g. to set thread-local library settings; what it throws is rethrown here.
  /// Errors: usage — fewer than 1 thread, or more than the system will start.
  explicit Pool(int threads, std::function<void()> on_start = {});
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const;

  /// Calls work(index, worker) for every index in [0, count); returns when all are done. Indices are started in
  /// ascending order. The first exception (lowest index that threw) is rethrown in the caller after all workers
  /// have stopped. Not re-entrant: `work` must not call for_each on the same pool (internal error).
  void for_each(int64_t count, const std::function<void(int64_t index, int worker)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::base
