// Command analytics-bento is Bento with the few components that analytics.yaml
// needs: Bento's own program would do as well, and takes longer to build.
package main

import (
	"context"

	"github.com/warpstreamlabs/bento/public/service"

	_ "github.com/warpstreamlabs/bento/public/components/io"
	_ "github.com/warpstreamlabs/bento/public/components/nats"
	_ "github.com/warpstreamlabs/bento/public/components/pure"
	_ "github.com/warpstreamlabs/bento/public/components/sql/base"
	_ "modernc.org/sqlite"
)

func main() { service.RunCLI(context.Background()) }
