//go:build !race

package app

// emptiedPools is explained where it is not 0.
const emptiedPools = 0
