//go:build !linux

package app

func dropProgramPages() {}
