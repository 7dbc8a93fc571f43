// Package bench measures openecr. Nothing here passes or fails by time: machines are noisy, so compare figures of one
// run, and CPU before wall time.
//
//	make bench         beside other registries: package peers
//	make paths         the benchmarks here
//	go test -bench LayerCheck -cpuprofile cpu.out ./bench
//
// It holds no code of the program; tests of behaviour stand beside what they test.
package bench
