//go:build docker

package deploytest

import (
	"archive/tar"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var images = []string{"cc-connector", "ccsim", "ccdemo"}

// Of what an image is made.
func TestImages(t *testing.T) {
	c := freshClone(t)
	for _, name := range images {
		image := name + ":" + version
		var inspected []struct {
			Size   int64
			Config struct {
				User   string
				Labels map[string]string
			}
		}
		if err := json.Unmarshal([]byte(c.must(t, "image", "inspect", image)), &inspected); err != nil {
			t.Fatal(err)
		}
		got := inspected[0]
		t.Logf("%s: %.1f MB", image, float64(got.Size)/1e6)
		if !regexp.MustCompile(`^[1-9]\d*(:[1-9]\d*)?$`).MatchString(got.Config.User) {
			t.Errorf("%s runs as %q, which is not the number of a user other than root", image, got.Config.User)
		}
		if label := got.Config.Labels["org.opencontainers.image.version"]; label != version {
			t.Errorf("%s has the version %q in its label", image, label)
		}
		if listing := c.listing(t, image); !slices.Contains(listing, "etc/ssl/certs/ca-certificates.crt") || !slices.Contains(listing, "tmp/") {
			t.Errorf("%s has no root certificates, or no /tmp: %v", image, listing)
		}
	}
	if line := c.must(t, "run", "--rm", "cc-connector:"+version, "version"); !strings.HasPrefix(line, "cc-connector "+version+" ") {
		t.Errorf("the version is %q", line)
	}
}

// listing is what is in an image.
func (c clone) listing(t *testing.T, image string) (names []string) {
	t.Helper()
	id := c.must(t, "create", image)
	defer c.must(t, "rm", id)
	archive := tar.NewReader(strings.NewReader(c.must(t, "export", id)))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}

// Time zones are there, and the demonstration plays in its image as it is.
func TestImageOfTheDemonstration(t *testing.T) {
	c := freshClone(t)
	zone := time.FixedZone("Asia/Kathmandu", 5*3600+45*60)
	before := time.Now().In(zone)
	shown := c.must(t, "run", "--rm", "--env", "TZ="+zone.String(), "ccdemo:"+version, "--once", "--pace", "0")
	after := time.Now().In(zone)
	if !strings.Contains(shown, "\n"+before.Format("15:04")) && !strings.Contains(shown, "\n"+after.Format("15:04")) {
		t.Errorf("the clock does not show the time of %v:\n%s", zone, shown)
	}
}
