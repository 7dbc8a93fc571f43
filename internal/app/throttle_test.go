package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// throttleAt is a throttle whose clock stands still until it is moved.
func throttleAt(t *testing.T, limits ...string) (th *throttle, advance func(time.Duration)) {
	t.Helper()
	rates, err := Limits{RateLimits: limits}.rates()
	must(t, err)
	th = newThrottle(rates)
	now := time.Now()
	th.now = func() time.Time { return now }
	return th, func(d time.Duration) { now = now.Add(d) }
}

func TestThrottle(t *testing.T) {
	th, advance := throttleAt(t, "PutImage=2:3", "*=1")
	r := httptest.NewRequest("POST", "/", nil)
	a, b := registry.Caller{Account: "111111111111"}, registry.Caller{Account: "222222222222"}
	take := func(c registry.Caller, operation string, want time.Duration) {
		t.Helper()
		if got := th.take(r, c, operation); got.Round(time.Millisecond) != want {
			t.Errorf("account %s, %s: wait %v, want %v", c.Account, operation, got, want)
		}
	}
	for range 3 {
		take(a, "PutImage", 0)
	}
	take(a, "PutImage", 500*time.Millisecond)
	take(b, "PutImage", 0)           // another account has a bucket of its own
	take(a, "DescribeRegistries", 0) // and so has another operation
	take(a, "DescribeRegistries", time.Second)
	take(a, "DescribeImages", 0)
	advance(250 * time.Millisecond)
	take(a, "PutImage", 250*time.Millisecond)
	advance(250 * time.Millisecond)
	take(a, "PutImage", 0)
	take(a, "PutImage", 500*time.Millisecond)
	advance(time.Hour) // fills no more than the burst
	for range 3 {
		take(a, "PutImage", 0)
	}
	take(a, "PutImage", 500*time.Millisecond)
}

func TestThrottleIsOffByDefault(t *testing.T) {
	th, _ := throttleAt(t)
	r := httptest.NewRequest("POST", "/", nil)
	for range 10_000 {
		if th.take(r, registry.Caller{Account: "111111111111"}, "PutImage") != 0 {
			t.Fatal("throttled")
		}
	}
}

func TestThrottleTellsStrangersApartByAddress(t *testing.T) {
	th, _ := throttleAt(t, "manifestGet=1")
	from := func(address string) time.Duration {
		return th.take(withConnection(httptest.NewRequest("GET", "/", nil), connection{remote: address}), registry.Caller{}, "manifestGet")
	}
	if from("192.0.2.1") != 0 || from("192.0.2.2") != 0 || from("192.0.2.1") == 0 {
		t.Error("addresses share a bucket, or one has none")
	}
}

func TestThrottleLetsExactlyTheBurstThrough(t *testing.T) {
	th, _ := throttleAt(t, "PutImage=1:3")
	r := httptest.NewRequest("POST", "/", nil)
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if th.take(r, registry.Caller{Account: "111111111111"}, "PutImage") == 0 {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 3 {
		t.Errorf("%d passed, want 3", passed.Load())
	}
}

func TestBucketsAreBounded(t *testing.T) {
	th, advance := throttleAt(t, "manifestGet=1")
	call := func(i int) {
		r := withConnection(new(http.Request), connection{remote: fmt.Sprint("address ", i)})
		th.take(r, registry.Caller{}, "manifestGet")
	}
	for i := range maxBuckets + 10 {
		call(i)
	}
	if n := len(th.buckets); n > maxBuckets {
		t.Errorf("%d buckets", n)
	}
	advance(time.Minute) // all are full again
	for i := range maxBuckets {
		call(maxBuckets + 100 + i)
	}
	if n := len(th.buckets); n > maxBuckets {
		t.Errorf("%d buckets", n)
	}
}

func TestRateLimitsThatAreRefused(t *testing.T) {
	for limit, want := range map[string]string{
		"PutImage":        "write OPERATION=PER_SECOND",
		"PutImage=":       "write OPERATION=PER_SECOND",
		"PutImage=0":      "write OPERATION=PER_SECOND",
		"PutImage=-1":     "write OPERATION=PER_SECOND",
		"PutImage=NaN":    "write OPERATION=PER_SECOND",
		"PutImage=Inf":    "write OPERATION=PER_SECOND",
		"PutImage=1:0":    "BURST must be",
		"PutImage=1:":     "BURST must be",
		"PutImage=1:NaN":  "BURST must be",
		"PutImages=1":     `there is no operation "PutImages"`,
		"=1":              `there is no operation ""`,
		"PutImage=1:2:3":  "BURST must be",
		"PutImage=1e7":    "at most 1000000",
		"DescribeImage=1": `there is no operation "DescribeImage"`,
		"manifestgot=1":   `there is no operation "manifestgot"`,
	} {
		_, err := Limits{RateLimits: []string{limit}}.rates()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `--rate-limit "`+limit) {
			t.Errorf("%s: %v, want %q", limit, err, want)
		}
	}
}

func TestQuotasThatAreRefused(t *testing.T) {
	for option, limits := range map[string]Limits{
		"--max-repositories":  {MaxRepositories: -1},
		"--max-images":        {MaxImages: -1},
		"--max-image-tags":    {MaxImageTags: -1},
		"--max-layer-parts":   {MaxLayerParts: -1},
		"--max-layer-size":    {MaxLayerSize: 1 << 41},
		"--max-resource-tags": {MaxResourceTags: -1},
	} {
		if _, err := limits.quotas(); err == nil || !strings.HasPrefix(err.Error(), option+" is ") {
			t.Errorf("%s: %v", option, err)
		}
	}
	if got, err := (Limits{MaxLayerSize: 2}).quotas(); err != nil || got.LayerBytes != 2<<20 {
		t.Errorf("a layer size of 2 MiB is %d bytes: %v", got.LayerBytes, err)
	}
}
