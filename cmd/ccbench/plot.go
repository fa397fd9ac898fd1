package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture is a file with panels side by side.
type picture struct {
	file   string
	panels []panel
}

// panel shows how figures change with a number, both in powers.
type panel struct {
	title, across, up string
	lines             []curve
}

type curve struct {
	name   string
	points []point
}

// point has the spread of its figure.
type point struct {
	at     float64
	figure spread
}

const (
	panelWidth  = 12 * vg.Centimeter
	panelHeight = 9 * vg.Centimeter
)

// draw writes the pictures of what was measured.
func (r *report) draw(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("-plot: %w", err)
	}
	for _, p := range []picture{commandsPicture(r), chatsPicture(r)} {
		if !p.shows() {
			continue
		}
		if err := p.write(folder); err != nil {
			return fmt.Errorf("-plot: %w", err)
		}
	}
	return nil
}

func commandsPicture(r *report) picture {
	throughput := panel{title: "chat.send, closed loop", across: "callers", up: "commands a second"}
	latency := panel{title: "chat.send, open loop at half of that", across: "callers", up: "latency p99, ms"}
	for _, row := range r.Commands {
		at := float64(row.Callers)
		throughput.add(row.title(), point{at, row.PerSecond})
		latency.add(row.title(), point{at, row.Half.P99})
	}
	return picture{"commands.svg", []panel{throughput, latency}}
}

func chatsPicture(r *report) picture {
	latency := panel{title: "From push to receipt", across: "open chats", up: "latency, ms"}
	for _, row := range r.Chats {
		at := float64(row.Chats)
		latency.add(row.Of+", consumer p50", point{at, row.Stream.P50})
		latency.add(row.Of+", consumer p99", point{at, row.Stream.P99})
	}
	memory := panel{title: "Memory", across: "open chats", up: "resident, MiB"}
	for _, row := range r.Chats {
		memory.add(row.Of, point{float64(row.Chats), spread{row.Memory, row.Memory, row.Memory}})
	}
	return picture{"chats.svg", []panel{latency, memory}}
}

func (p picture) shows() bool { return len(p.panels[0].lines) > 0 }

func (p *panel) add(name string, at point) {
	for i := range p.lines {
		if p.lines[i].name == name {
			p.lines[i].points = append(p.lines[i].points, at)
			return
		}
	}
	p.lines = append(p.lines, curve{name, []point{at}})
}

func (p picture) write(folder string) error {
	canvas := vgsvg.New(vg.Length(len(p.panels))*panelWidth, panelHeight)
	tiles := draw.Tiles{Rows: 1, Cols: len(p.panels), PadX: vg.Centimeter, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 8}
	plots := [][]*plot.Plot{nil}
	for _, panel := range p.panels {
		drawn, err := panel.plot()
		if err != nil {
			return err
		}
		plots[0] = append(plots[0], drawn)
	}
	for i, part := range plot.Align(plots, tiles, draw.New(canvas))[0] {
		plots[0][i].Draw(part)
	}
	file, err := os.Create(filepath.Join(folder, p.file))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := canvas.WriteTo(file); err != nil {
		return err
	}
	return file.Close()
}

func (p panel) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text, drawn.X.Label.Text, drawn.Y.Label.Text = p.title, p.across, p.up
	drawn.X.Scale, drawn.Y.Scale = plot.LogScale{}, plot.LogScale{}
	drawn.X.Tick.Marker, drawn.Y.Tick.Marker = p.ticks(), plot.LogTicks{Prec: -1}
	drawn.Legend.Top, drawn.Legend.Left = true, true
	drawn.Add(plotter.NewGrid())
	for i, line := range p.lines {
		if err := line.addTo(drawn, i); err != nil {
			return nil, err
		}
	}
	drawn.Y.Min, drawn.Y.Max = math.Pow(10, math.Floor(math.Log10(drawn.Y.Min))), math.Pow(10, math.Ceil(math.Log10(drawn.Y.Max)))
	return drawn, nil
}

// ticks are where figures were taken.
func (p panel) ticks() plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, at := range p.lines[0].points {
		ticks = append(ticks, plot.Tick{Value: at.at, Label: strconv.FormatFloat(at.at, 'f', -1, 64)})
	}
	return ticks
}

func (c curve) addTo(drawn *plot.Plot, i int) error {
	line, marks, err := plotter.NewLinePoints(c)
	if err != nil {
		return err
	}
	bars, err := plotter.NewYErrorBars(c)
	if err != nil {
		return err
	}
	line.Color, marks.Color, bars.Color = plotutil.Color(i), plotutil.Color(i), plotutil.Color(i)
	marks.Shape = plotutil.Shape(i)
	drawn.Add(line, marks, bars)
	drawn.Legend.Add(c.name, line, marks)
	return nil
}

// A curve is what the library takes for points with bars of error.

func (c curve) Len() int { return len(c.points) }

func (c curve) XY(i int) (x, y float64) { return c.points[i].at, c.points[i].figure.Median }

func (c curve) YError(i int) (low, high float64) {
	f := c.points[i].figure
	return f.Median - f.Least, f.Most - f.Median
}
