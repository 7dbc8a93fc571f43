//go:build race

package app

// emptiedPools is what requests allocate more with the race detector, which empties pools at random.
const emptiedPools = 30
