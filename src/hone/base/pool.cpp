#include "hone/base/pool.h"

#include "hone/base/error.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace hone::base {

struct Pool::State {
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
  const std::function<void(int64_t, int)>* work = nullptr;
  int64_t next = 0, count = 0;
  int busy = 0;          // workers inside run_all, or still starting
  uint64_t round = 0;    // counts the for_each calls that wake the workers
  bool stopping = false;
  std::exception_ptr error;
  int64_t error_index = 0;

  // Takes indices until none is left. Called with the lock held; returns with it held.
  void run_all(std::unique_lock<std::mutex>& lock, int worker) {
    while (next < count) {
      const int64_t index = next++;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        (*work)(index, worker);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown) {
        if (!error || index < error_index) error = thrown, error_index = index;
        next = count;  // no further work is started
      }
    }
  }

  void run_worker(int worker, const std::function<void()>& on_start) {
    std::exception_ptr thrown;
    try {
      if (on_start) on_start();
    } catch (...) {
      thrown = std::current_exception();
    }
    std::unique_lock lock(mutex);
    if (thrown && !error) error = thrown;
    for (uint64_t seen = 0;;) {
      if (--busy == 0) done.notify_all();
      do {
        wake.wait(lock, [&] { return stopping || round != seen; });
        if (stopping) return;
        seen = round;
      } while (work == nullptr);  // woke after the round had ended
      ++busy;
      run_all(lock, worker);
    }
  }

  void stop() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (auto& worker : workers) worker.join();
    workers.clear();
  }
};

Pool::Pool(int threads, std::function<void()> on_start) : state_(std::make_unique<State>()) {
  require(threads >= 1, ErrorKind::usage, "a pool of {} threads; at least 1 is needed", threads);
  State* state = state_.get();
  try {
    for (int worker = 1; worker < threads; ++worker) {
      {
        std::lock_guard lock(state->mutex);
        ++state->busy;
      }
      state->workers.emplace_back([state, on_start, worker] { state->run_worker(worker, on_start); });
    }
  } catch (const std::system_error& error) {
    const std::size_t started = state->workers.size() + 1;
    state->stop();
    throw Error(ErrorKind::usage, fmt::format("cannot start {} threads: {} after {}", threads, error.what(), started),
                "ask for fewer threads");
  } catch (...) {
    state->stop();
    throw;
  }
  std::unique_lock lock(state->mutex);
  state->done.wait(lock, [&] { return state->busy == 0; });
  if (!state->error) return;
  const std::exception_ptr error = std::exchange(state->error, nullptr);
  lock.unlock();
  state->stop();
  std::rethrow_exception(error);
}

Pool::~Pool() { state_->stop(); }

int Pool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void Pool::for_each(int64_t count, const std::function<void(int64_t, int)>& work) {
  std::unique_lock lock(state_->mutex);
  require(state_->work == nullptr, ErrorKind::internal, "Pool::for_each was called while another call was running");
  state_->work = &work;
  state_->next = 0;
  state_->count = count;
  state_->error = nullptr;
  if (count > 1) {  // one piece of work is not worth waking anybody
    ++state_->round;
    state_->wake.notify_all();
  }
  state_->run_all(lock, 0);
  state_->done.wait(lock, [&] { return state_->busy == 0; });
  state_->work = nullptr;
  if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
}

}  // namespace hone::base
