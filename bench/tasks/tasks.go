// The task benches on goroutines, as coreactor.js does them: tasks switch|spawn|timers|memory ARGUMENTS. And, as
// ../sync/coreactor.js does them, the sync benches: tasks lock|queue|handoff queue|event N.
// GOMAXPROCS=1: one thread runs goroutines, as one thread runs tasks in the others.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func cpuNs() int64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return used.Utime.Nano() + used.Stime.Nano()
}

func mustGo(measured bool) func() bool {
	end := cpuNs() + 200e6
	if measured {
		end = cpuNs() + 500e6
	}
	left := 3
	return func() bool {
		left--
		return left > 0 || cpuNs() < end
	}
}

func printResult(count, ns int64) {
	fmt.Printf("{\"count\":%d,\"cpuNs\":%d}\n", count, ns)
}

var phases = []bool{false, true} // warm-up, measured

var switches int64
var running = true

// The gate holds the workers until all are there: each time the creating goroutine is preempted it would wait for a
// round of all others, and the collector, which gives way between its steps, likewise.
func worker(gate chan struct{}) {
	<-gate
	for running {
		runtime.Gosched()
		switches++
	}
}

func switching(tasks int) {
	gate := make(chan struct{})
	for i := 1; i < tasks; i++ {
		go worker(gate)
	}
	runtime.Gosched()
	runtime.GC()
	close(gate)
	runtime.Gosched()
	for _, measured := range phases {
		goOn := mustGo(measured)
		from, begin := switches, cpuNs()
		for {
			for i := 0; i < 10_000; i += tasks {
				runtime.Gosched()
				switches++
			}
			if !goOn() {
				break
			}
		}
		if measured {
			printResult(switches-from, cpuNs()-begin)
		}
	}
}

func spawning() {
	var group sync.WaitGroup
	for _, measured := range phases {
		goOn := mustGo(measured)
		begin, count := cpuNs(), int64(0)
		for {
			for i := 0; i < 1000; i++ {
				group.Add(1)
				go func() {
					count++
					group.Done()
				}()
				group.Wait()
			}
			if !goOn() {
				break
			}
		}
		if measured {
			printResult(count, cpuNs()-begin)
		}
	}
}

func timing(kind string, count int) {
	for _, measured := range phases {
		handles := make([]*time.Timer, count)
		var fired int64
		fire := func() { atomic.AddInt64(&fired, 1) }
		runtime.GC()
		begin := cpuNs()
		if kind == "expire" {
			for i := 0; i < count; i++ {
				time.AfterFunc(time.Duration(1+i%100)*time.Millisecond, fire)
			}
			for atomic.LoadInt64(&fired) < int64(count) {
				time.Sleep(10 * time.Millisecond)
			}
		} else if kind == "pairs" {
			for i := 0; i < count; i++ {
				time.AfterFunc(time.Duration(10_000+i%1000)*time.Millisecond, fire).Stop()
			}
		} else {
			delays := 1000
			if kind == "one" {
				delays = 1
			}
			for i := 0; i < count; i++ {
				handles[i] = time.AfterFunc(time.Duration(10_000+i%delays)*time.Millisecond, fire)
			}
			for _, handle := range handles {
				handle.Stop()
			}
		}
		if measured {
			printResult(int64(count), cpuNs()-begin)
		}
		runtime.Gosched()
	}
}

func memoryNow() (heap, rss int64) {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	statm, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return int64(stats.HeapAlloc + stats.StackInuse), pages * int64(os.Getpagesize())
}

// A goroutine's descriptor is not in these heap figures: the runtime keeps it elsewhere. The resident size has it.
func parking(kind string, count int) {
	gate := make(chan struct{})
	body := map[string]func(){
		"bare":  func() { select {} },
		"gate":  func() { <-gate },
		"sleep": func() { time.Sleep(time.Hour) },
	}[kind]
	heap, rss := memoryNow()
	for i := 0; i < count; i++ {
		go body()
	}
	time.Sleep(time.Millisecond)
	runtime.Gosched()
	heapAfter, rssAfter := memoryNow()
	n := float64(count)
	fmt.Printf("{\"heapBytes\":%f,\"rssBytes\":%f}\n", float64(heapAfter-heap)/n, float64(rssAfter-rss)/n)
}

func locking() {
	var lock sync.Mutex
	for _, measured := range phases {
		goOn := mustGo(measured)
		begin, count := cpuNs(), int64(0)
		for {
			for i := 0; i < 10_000; i++ {
				lock.Lock()
				count++
				lock.Unlock()
			}
			if !goOn() {
				break
			}
		}
		if measured {
			printResult(count, cpuNs()-begin)
		}
	}
}

func queueing() {
	queue := make(chan int64, 1000)
	for _, measured := range phases {
		goOn := mustGo(measured)
		begin, count := cpuNs(), int64(0)
		for {
			for i := 0; i < 10_000; i++ {
				queue <- 1
				count += <-queue
			}
			if !goOn() {
				break
			}
		}
		if measured {
			printResult(count, cpuNs()-begin)
		}
	}
}

func handingQueue() {
	there, back := make(chan int64, 1000), make(chan int64, 1000)
	go func() {
		for item := range there {
			back <- item
		}
	}()
	for _, measured := range phases {
		goOn := mustGo(measured)
		begin, count := cpuNs(), int64(0)
		for {
			for i := 0; i < 10_000; i++ {
				there <- 2
				count += <-back
			}
			if !goOn() {
				break
			}
		}
		if measured {
			printResult(count, cpuNs()-begin)
		}
	}
}

func waking(tasks int) {
	for _, measured := range phases {
		event := make(chan struct{})
		woken := 0
		runtime.GC()
		begin := cpuNs()
		for i := 0; i < tasks; i++ {
			go func() {
				<-event
				woken++
			}()
		}
		runtime.Gosched()
		waiting := cpuNs()
		close(event)
		for woken < tasks {
			runtime.Gosched()
		}
		end := cpuNs()
		if measured {
			fmt.Printf("{\"count\":%d,\"cpuNs\":%d,\"wakeNs\":%f}\n", tasks, end-begin, float64(end-waiting)/float64(tasks))
		}
	}
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	runtime.GOMAXPROCS(1)
	switch os.Args[1] {
	case "switch":
		switching(number(2))
	case "spawn":
		spawning()
	case "timers":
		timing(os.Args[2], number(3))
	case "memory":
		parking(os.Args[2], number(3))
	case "lock":
		locking()
	case "queue":
		queueing()
	case "handoff":
		handingQueue()
	case "event":
		waking(number(2))
	}
}
