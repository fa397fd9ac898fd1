package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture is a file with panels side by side.
type picture struct {
	file   string
	panels []panel
}

// panel shows how figures change with a number.
type panel struct {
	title, across, up string
	fromZero          bool // else both axes are in powers
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
		latency.add("p50 to a consumer"+row.ofRival(), point{at, row.Stream.P50})
		latency.add("p99"+row.ofRival(), point{at, row.Stream.P99})
	}
	memory := panel{title: "Memory of the connector", across: "open chats", up: "resident, MiB", fromZero: true}
	for _, row := range r.Chats {
		memory.add("idle"+row.ofRival(), point{float64(row.Chats), spread{row.Memory, row.Memory, row.Memory}})
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
	for i, panel := range p.panels {
		drawn, err := panel.plot()
		if err != nil {
			return err
		}
		drawn.Draw(tiles.At(draw.New(canvas), i, 0))
	}
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, p.file), bytes.ReplaceAll(text.Bytes(), []byte(ownFont), []byte(anyFont)), 0o644)
}

// The library names one font, which few readers have; the others are as wide.
const (
	ownFont = "font-family:Liberation Sans"
	anyFont = ownFont + ",Arial,Helvetica,sans-serif"
)

func (p panel) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text, drawn.X.Label.Text, drawn.Y.Label.Text = p.title, p.across, p.up
	drawn.X.Tick.Marker = p.ticks()
	drawn.Legend.Top, drawn.Legend.Left, drawn.Legend.Padding = true, true, vg.Points(2)
	drawn.Add(plotter.NewGrid())
	for _, style := range []*text.Style{&drawn.Title.TextStyle, &drawn.X.Label.TextStyle, &drawn.Y.Label.TextStyle, &drawn.X.Tick.Label, &drawn.Y.Tick.Label, &drawn.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	for i, line := range p.lines {
		if err := line.addTo(drawn, i); err != nil {
			return nil, err
		}
	}
	p.scale(drawn)
	return drawn, nil
}

const headroom = 4 // for the legend, in each power

func (p panel) scale(drawn *plot.Plot) {
	if p.fromZero {
		drawn.Y.Min, drawn.Y.Max = 0, drawn.Y.Max*5/4
		return
	}
	drawn.X.Scale, drawn.Y.Scale, drawn.Y.Tick.Marker = plot.LogScale{}, plot.LogScale{}, plot.LogTicks{Prec: -1}
	drawn.Y.Min, drawn.Y.Max = drawn.Y.Min/2, drawn.Y.Max*headroom
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
	line.Width = vg.Points(1.5)
	line.Color, marks.Color, bars.Color = plotutil.Color(i), plotutil.Color(i), plotutil.Color(i)
	marks.Shape = plotutil.Shape(i)
	drawn.Add(line, marks, bars)
	drawn.Legend.Add(c.name, line, marks)
	return nil
}

// A curve is what the library takes for points with bars of error. A power scale has no place for 0.

const least = 0.01

func (c curve) Len() int { return len(c.points) }

func (c curve) XY(i int) (x, y float64) { return c.points[i].at, max(least, c.points[i].figure.Median) }

func (c curve) YError(i int) (low, high float64) {
	f := c.points[i].figure
	return max(least, f.Median) - max(least, f.Least), max(least, f.Most) - max(least, f.Median)
}
