package patcher

import "strings"

// clusterPrefix marks a Spark property among those of a Dataproc cluster, which
// go into files: "spark:" is spark-defaults.conf.
const clusterPrefix = "spark:"

// clusterForm is a Dataproc cluster. What it sets sizes every job that is run on
// it, also from elsewhere, so it is reported and never edited.
func clusterForm(c claim) []*declared {
	if !strings.HasPrefix(c.obj.class, "DataprocCreateCluster") && c.obj.class != "ClusterGenerator" {
		return nil
	}
	d := c.base
	d.cluster = hint(c.args, "cluster_name")
	d.Hints.AppName, d.alias = "", firstOf(d.Hints.TaskID, d.cluster, c.obj.class) // no run is its
	d.many = "it is set for the whole cluster and sizes every job that runs on it"
	d.clusterProperties(c.args.path("properties"))
	if config := c.args.first("cluster_config", "config"); config != nil {
		d.clusterProperties(config.first("software_config", "softwareConfig").path("properties"))
	}
	if len(d.sites) == 0 {
		return nil
	}
	d.isCluster = true
	return []*declared{&d}
}

// clusterProperties finds the Spark properties of a cluster.
func (d *declared) clusterProperties(props *value) {
	if props == nil {
		return
	}
	for _, x := range props.entries {
		if key, ok := strings.CutPrefix(x.key, clusterPrefix); ok && x.why == "" && strings.HasPrefix(key, "spark.") {
			d.add(key, `properties["`+x.key+`"]`, byDefaults, x.val, nil)
		}
	}
}

// clusterSites adds to each job what its cluster sets, where the same file makes
// the cluster: the job's own properties win over it.
func (f *finder) clusterSites() {
	clusters := map[string]*declared{}
	for _, d := range f.jobs {
		if d.isCluster {
			clusters[d.root+"\x00"+d.cluster] = d
		}
	}
	for _, d := range f.jobs {
		on := clusters[d.root+"\x00"+d.cluster]
		if on == nil || d.isCluster || d.cluster == "" {
			continue
		}
		for _, s := range on.sites {
			x := *s
			x.over = d.beside(propertyOf(s.Key))
			d.sites = append([]*site{&x}, d.sites...)
		}
	}
}

// beside returns where a job can be given a property that something around it
// sets.
func (d *declared) beside(p property) []addition {
	var out []addition
	for _, g := range d.gaps {
		names := g.names(p)
		if names == nil || g.shut != "" {
			continue
		}
		for _, s := range g.slots {
			out = append(out, addition{slot: s, path: names})
		}
	}
	return out
}
