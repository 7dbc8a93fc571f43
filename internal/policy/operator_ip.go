package policy

import (
	"fmt"
	"net/netip"
	"strings"
)

// inNetwork matches addresses of one network. IPv4 written as IPv6 (::ffff:10.0.0.1) is IPv4 on both sides.
type inNetwork netip.Prefix

func (n inNetwork) matches(value string, _ Request) bool {
	address, err := netip.ParseAddr(value)
	return err == nil && netip.Prefix(n).Contains(address.Unmap().WithZone(""))
}

// parseNetwork accepts CIDR notation and a lone address. Bits behind the prefix are ignored.
func parseNetwork(_ *grammar, value string) (matcher, error) {
	network, err := readNetwork(value)
	if err != nil {
		return nil, fmt.Errorf("%q is no network: write an address or CIDR such as 203.0.113.0/24 or 2001:db8::/32", value)
	}
	const mapped = 96 // where the IPv4 address begins in an IPv4-mapped one
	if network.Addr().Is4In6() && network.Bits() >= mapped {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mapped)
	}
	return inNetwork(network), nil
}

func readNetwork(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	address, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if address.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("zone %q", address.Zone())
	}
	return address.Prefix(address.BitLen())
}
